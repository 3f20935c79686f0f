"""`agnes me activity`: the commands of the audit log over one's own rows."""

from __future__ import annotations

import httpx

from tests.console.cli.stand_in import Run, Server

MINE = "/api/me/activity"
ROW = {
    "id": "one",
    "timestamp": "2026-11-22T10:00:00Z",
    "user_email": "ana@example.org",
    "action": "auth.login",
    "result": "success",
    "result_class": "success",
    "source": "web",
    "resource": None,
    "duration_ms": 12,
}


def test_the_list_is_ones_own_and_so_is_its_next_page(run: Run, server: Server) -> None:
    following = {"ts": "2026-11-22T10:00:00Z", "id": "one"}
    server.on("GET", MINE, {"rows": [ROW], "next_cursor": following, "filter": {}})
    said = run("me", "activity", "--query", "action:auth.", "--limit", "1")
    assert said.exit_code == 0, said.output
    assert "auth.login" in said.output
    assert server.params == {"query": "action:auth.", "limit": "1"}
    assert "agnes me activity --query action:auth. --limit 1 --cursor" in said.output


def test_one_row_is_asked_for_among_ones_own(run: Run, server: Server) -> None:
    server.on("GET", f"{MINE}/one", {**ROW, "linked": None})
    assert "auth.login" in run("me", "activity", "show", "one").output


def test_the_export_is_ones_own(run: Run, server: Server) -> None:
    lines = httpx.Response(200, content=b'{"id":"one"}\n', headers={"X-Row-Count": "1"})
    server.on("GET", f"{MINE}/export", lines)
    said = run("me", "activity", "export", "--format", "json", "--source", "web")
    assert said.exit_code == 0, said.output
    assert '{"id":"one"}' in said.output
    assert server.params == {"source": "web", "format": "json"}


def test_nothing_of_the_instance_is_among_them(run: Run, server: Server) -> None:
    for word in ("health", "sync", "rollback"):
        assert run("me", "activity", word).exit_code == 2
    assert server.requests == []
