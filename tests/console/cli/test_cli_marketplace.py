"""`agnes admin marketplace …`: what each command asks and what it shows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.console.cli.stand_in import Run, Server, list_of

PATH = "/api/admin/marketplace"
ROW = {
    "id": "i1",
    "source": "curated",
    "marketplace": "team",
    "plugin": "tools",
    "type": "skill",
    "name": "mend",
    "description": "Mends\x1b[31m",
    "imported_at": "2026-01-31T09:05:00Z",
}
ANSWER = {
    "marketplace": "team",
    "source": "curated",
    "items": 2,
    "added": 2,
    "removed": 1,
    "changed_events": 1234,
    "days": ["2026-05-20", "2026-05-21"],
    "dry_run": False,
}
ITEMS = [
    {"plugin": "tools", "type": "plugin", "name": "tools", "description": None},
    {"plugin": "tools", "type": "skill", "name": "mend", "description": "Mends"},
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    skill = tmp_path / "market/plugins/tools/skills/mend/SKILL.md"
    skill.parent.mkdir(parents=True)
    skill.write_text("---\nname: mend\ndescription: Mends\n---\n")
    return tmp_path / "market"


@pytest.fixture(autouse=True)
def _everything(server: Server) -> None:
    server.answers |= {
        ("GET", PATH): list_of([ROW]),
        ("POST", f"{PATH}/import"): ANSWER,
        ("DELETE", f"{PATH}/our team"): ANSWER,
    }


def test_a_folder_is_read_here_and_sent(server: Server, run: Run, folder: Path) -> None:
    done = run(
        "admin", "marketplace", "import", str(folder), "--name", "team", "--source", "curated"
    )
    assert done.exit_code == 0, done.output
    assert server.body == {
        "marketplace": "team",
        "source": "curated",
        "items": ITEMS,
        "dry_run": False,
    }
    assert done.stdout == (
        "team has 2 items, 2 added, 1 removed; 1,234 events attributed anew, 2 days counted anew\n"
    )


def test_a_rehearsal_says_so(server: Server, run: Run, folder: Path) -> None:
    given = ["--name", "team", "--source", "flea", "--dry-run"]
    done = run("admin", "marketplace", "import", str(folder), *given)
    assert server.body["dry_run"] is True
    assert done.stdout.startswith("team would have 2 items")
    as_json = run("admin", "marketplace", "import", str(folder), *given, "--json")
    assert json.loads(as_json.stdout) == ANSWER


@pytest.mark.parametrize(
    ("content", "source", "said", "code"),
    [
        ('[{"plugin": "p", "type": "tool", "name": "x"}]', "curated", "one of plugin, skill", 2),
        ("{", "curated", "listing.json is not JSON", 1),
        ("[]", "curated", "holds no plugins", 1),
        ('[{"plugin": "p", "type": "skill", "name": "x"}]', "mine", "one of curated, flea", 2),
        (None, "curated", "No such file", 1),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_sent(
    server: Server, run: Run, tmp_path: Path, content: str | None, source: str, said: str, code: int
) -> None:
    path = tmp_path / "listing.json"
    if content is not None:
        path.write_text(content)
    done = run("admin", "marketplace", "import", str(path), "--name", "team", "--source", source)
    assert (done.exit_code, said in done.stderr) == (code, True), done.stderr
    assert server.requests == []


def test_items_are_listed(server: Server, run: Run) -> None:
    words = ["--source", "curated", "--name", "team", "--type", "skill", "-q", "mend"]
    done = run("admin", "marketplace", *words)
    assert done.exit_code == 0, done.output
    assert {"source": "curated", "marketplace": "team", "type": "skill", "q": "mend"}.items() <= (
        server.params.items()
    )
    assert "tools" in done.stdout
    assert "\x1b[31m" not in done.stdout
    assert json.loads(run("admin", "marketplace", "list", "--json").stdout)["rows"] == [ROW]


def test_a_marketplace_is_removed(server: Server, run: Run) -> None:
    done = run("admin", "marketplace", "remove", "our team")
    assert done.stdout.startswith("removed our team, 1 items; 1,234 events")
    assert server.last.method == "DELETE"
    assert json.loads(run("admin", "marketplace", "remove", "our team", "--json").stdout) == ANSWER
    missing = run("admin", "marketplace", "remove", "none")
    assert missing.exit_code == 1


def test_a_refresh_and_the_use_of_items_are_told(server: Server, run: Run) -> None:
    rows = [{**ANSWER, "marketplace": "team"}]
    page = {"total": 1, "limit": 1, "offset": 0, "next_offset": None}
    server.on("POST", f"{PATH}/refresh", {**page, "rows": rows})
    done = run("admin", "marketplace", "refresh", "team", "--dry-run")
    assert server.body == {"marketplace": "team", "dry_run": True}
    assert "1,234 events attributed anew" in done.stdout
    used = {"called": "tools:mend", "type": "skill", "marketplace": "team", "last_used": None}
    figures = {"invocations_30d": 9, "distinct_users_30d": 2, "trend_pct": 50.0}
    answer = {**page, "rows": [used | figures], "active_people": 5, "offered": 3, "unused": [ROW]}
    answer["unused_total"] = 1
    server.on("GET", f"{PATH}/use", answer)
    shown = run("admin", "marketplace", "use", "--sort", "most_adopted", "--type", "skill")
    assert server.params["sort"] == "most_adopted"
    assert "2 of 5" in shown.stdout
    assert "+50 %" in shown.stdout
    assert "1 of 3 offered items were not used" in shown.stderr
    assert "mend" in run("admin", "marketplace", "use", "--unused").stdout
