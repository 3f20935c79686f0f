"""The path of somebody new, from `make demo` to an answer in a notebook, by the documented commands
alone. `make newcomer` walks it in a fresh clone with an environment of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from tests import books
from tests.server_process import ServerProcess, admin_token
from tests.terminal import Terminal
from tests.transcripts import talk

ANA, PASSWORD = "ana@example.net", "correct horse battery"
ERROR = "sync: no answer from orders after 30 s"
ANSWER = "Update to 0.3: it gives up after ten seconds"
NOTEBOOK = Path(__file__).resolve().parents[1] / "notebooks" / "analysis" / "my_failures.ipynb"
_CALLS = "SELECT count(*) AS calls, count(DISTINCT user_id) AS people FROM agnes_telemetry"


@pytest.mark.timeout(600)
def test_a_newcomer_gets_from_the_demo_to_an_answer(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "demo", command="demo") as demo:
        boss = Terminal(demo, _settings(demo, tmp_path / "boss", AGNES_TOKEN=admin_token(demo)))
        ana = _added(boss, tmp_path / "ana")

        session = _pushed(ana, tmp_path / "projects")
        boss("jobs", "run", "process_sessions", "--wait")
        _findings(boss, session)

        _reported_and_resolved(ana, boss)
        _grant_rolled_back(boss, ana)

        (mine,) = ana.json("query", _CALLS)["rows"]
        assert mine == [2, 1], "two calls, of one person: her own"
        books.run([NOTEBOOK], tmp_path, ana.settings)


def _settings(demo: ServerProcess, config: Path, **more: str) -> dict[str, str]:
    return {"AGNES_SERVER": demo.address, "AGNES_CONFIG_DIR": str(config), **more}


def _added(boss: Terminal, config: Path) -> Terminal:
    """Ana, who has an account since now, and has signed in."""
    boss("admin", "users", "create", ANA, "--password-stdin", given=PASSWORD + "\n")
    ana = Terminal(boss.server, _settings(boss.server, config))
    words = ("--server", boss.server.address, "--email", ANA, "--password-stdin")
    ana("login", *words, given=PASSWORD + "\n")
    assert ana.json("whoami")["email"] == ANA
    return ana


def _pushed(ana: Terminal, folder: Path) -> str:
    folder.mkdir()
    went = talk("newcomer").prompt("sync the orders").call("Bash", error=ERROR).call("Bash")
    file = folder / "newcomer.jsonl"
    file.write_bytes(went.answer().data)
    (sent,) = ana.json("push", file)["files"]
    session: str = sent["session_file"]
    return session


def _findings(boss: Terminal, session: str) -> None:
    """What went wrong is found, in the terminal and on the page."""
    found = boss.json("admin", "sessions", "findings", "--user", ANA)["rows"]
    assert [(row["session_file"], row["finding_type"]) for row in found] == [
        (session, "tool_error")
    ]
    page = _page(boss, f"/admin/sessions/{session}")
    assert page.status_code == 200
    assert ERROR in page.text


def _reported_and_resolved(ana: Terminal, boss: Terminal) -> None:
    ana("report", "-m", "the sync hangs", "--no-session", "--yes")
    (report,) = [row for row in _reports(boss) if row["reporter"]["email"] == ANA]
    words = ("--status", "resolved", "--resolution", ANSWER)
    boss("admin", "feedback", "set", report["id"], *words)
    assert ANSWER in ana("report", "show", report["id"]).stdout


def _reports(boss: Terminal) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = boss.json("admin", "feedback", "list", "-q", "the sync hangs")[
        "rows"
    ]
    return rows


def _grant_rolled_back(boss: Terminal, ana: Terminal) -> None:
    """Given to the wrong people, seen in the log, taken back: the rights follow at once."""
    boss("admin", "groups", "create", "newcomers")
    boss("admin", "groups", "add-member", "newcomers", ANA)
    boss("admin", "grants", "create", "newcomers", "sessions")
    ana("admin", "sessions", "list")
    changes = boss.json("admin", "activity", "changes", "--action", "resource_grants.add")
    change = changes["rows"][0]["id"]
    plan = boss("admin", "activity", "rollback", change, "--dry-run").stdout
    assert ANA in plan, "it says who would lose access"
    ana("admin", "sessions", "list")
    boss("admin", "activity", "rollback", change, "--reason", "the wrong group")
    ana("admin", "sessions", "list", code=3)


def _page(of: Terminal, path: str) -> httpx.Response:
    with of.server.client(of.settings["AGNES_TOKEN"]) as browser:
        return browser.get(path)
