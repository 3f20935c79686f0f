"""`agnes report list|show|amend|delete`: one's own reports, and changes that are confirmed, too."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.console.cli.report_place import PATH, shown
from tests.console.cli.stand_in import Run, Server, Terminal

ID = "0190aaaa-bbbb-7ccc-8ddd-eeeeffff0000"
OTHER = "0190aaab-bbbb-7ccc-8ddd-eeeeffff0000"
ROW: dict[str, Any] = {
    "id": ID,
    "created_at": "2026-05-20T09:00:00",
    "status": "resolved",
    "message": "It hangs\x1b[2J",
    "category": None,
    "duplicates": 3,
    "resolution": "Update it\x1b[2J",
    "fixed_in": "0.3",
    "version": 4,
    "environment": {"agnes": "0.1.0"},
    "session_excerpt": "{}",
    "history": [],
}


@pytest.fixture(autouse=True)
def reports(server: Server) -> None:
    page: dict[str, Any] = {"rows": [ROW, {**ROW, "id": OTHER}], "total": 5, "limit": 2}
    following = {"ts": "2026-05-20T09:00:00Z", "id": OTHER}
    server.on("GET", PATH, {**page, "next_cursor": following, "prev_cursor": None})
    server.on("GET", f"{PATH}/{ID}", ROW)
    server.on("PATCH", f"{PATH}/{ID}", {**ROW, "version": 5})
    server.on("DELETE", f"{PATH}/{ID}", {})


def test_the_list_shows_what_became_of_them_and_where_it_goes_on(run: Run, server: Server) -> None:
    done = run("report", "list", "--limit", "2", "--cursor", "2026-05-21T00:00:00Z,x")
    assert done.exit_code == 0, done.output
    asked = {"limit": "2", "cursor_ts": "2026-05-21T00:00:00Z", "cursor_id": "x"}
    assert server.params == asked
    assert "resolved" in done.stdout
    assert "\x1b[2J" not in done.stdout
    assert "2 of 5 reports; the next: --cursor 2026-05-20T09:00:00Z," + OTHER in done.stderr
    assert json.loads(run("report", "list", "--json").stdout)["total"] == 5


@pytest.mark.parametrize("name", [ID, ID[:8]])
def test_one_shows_the_answer(run: Run, name: str) -> None:
    done = run("report", "show", name)
    assert done.exit_code == 0, done.output
    assert r"Update it\x1b[2J" in done.stdout
    assert r"It hangs\x1b[2J" in done.stdout
    assert "0.3" in done.stdout


def test_a_beginning_that_is_short_unknown_or_of_several_is_refused(run: Run) -> None:
    assert run("report", "show", "019").exit_code == 2
    assert "no report of yours begins with ffff" in run("report", "show", "ffff").stderr
    several = run("report", "delete", "0190aaa", "--yes")
    assert several.exit_code == 2
    assert ID in several.stderr


def test_amending_shows_the_very_bytes_and_asks(
    run: Run, server: Server, terminal: Terminal
) -> None:
    words = ("report", "amend", ID, "-m", "It hangs, password=hunter2hunter")
    assert run(*words, stdin="send\n").exit_code == 2  # no terminal
    terminal()
    assert run(*words, stdin="y\n").exit_code == 1
    assert [request.method for request in server.requests] == ["GET"]
    done = run(*words, stdin="send\n")
    assert done.exit_code == 0, done.output
    assert server.last.method == "PATCH"
    assert server.last.content == shown(done.stderr).encode()
    assert server.body == {"version": 4, "message": "It hangs, password=[REDACTED:password]"}
    assert "hunter2" not in done.output


def test_a_conflict_is_said(run: Run, server: Server) -> None:
    server.says_no("PATCH", f"{PATH}/{ID}", 409, "somebody changed it", "look at it again")
    done = run("report", "amend", ID, "--category", "tool", "--yes")
    assert done.exit_code == 1
    assert "somebody changed it" in done.stderr
    assert run("report", "amend", ID, "--yes").exit_code == 2


def test_deleting_asks_for_its_own_word(run: Run, server: Server, terminal: Terminal) -> None:
    assert run("report", "delete", ID).exit_code == 2
    terminal()
    for typed in ("send\n", "y\n", ""):
        assert run("report", "delete", ID, stdin=typed).exit_code == 1
    assert {request.method for request in server.requests} == {"GET"}
    assert run("report", "delete", ID[:8], stdin="delete\n").exit_code == 0
    assert server.last.method == "DELETE"
    told = json.loads(run("report", "delete", ID, "--yes", "--json").stdout)
    assert told == {"deleted": ID}
