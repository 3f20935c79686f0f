"""`agnes admin activity changes|diff|rollback|reveal` and `agnes admin views`."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.console.cli.stand_in import Run, Server, Terminal, seen

WHEN = "2026-01-31T09:05:00Z"
EVIL = "\x1b[2Jgone\nforged"
EVENT = "/api/admin/activity/e1"
VIEWS = "/api/admin/observability/views"
FIELDS = [
    {"name": "name", "before": "old", "after": "new"},
    {"name": "members", "before": None, "after": [{"user_id": "u1"}]},
    {"name": "note\x1b[1m", "before": EVIL, "after": None},
]
DIFF = {
    "id": "e1",
    "action": "user_groups.update",
    "resource": "group:g1",
    "timestamp": WHEN,
    "user_id": "u1",
    "user_email": "ann@example.com",
    "user_name": None,
    "fields": FIELDS,
    "can_roll_back": True,
    "why_not": None,
}
GAIN = {
    "user_id": "u1",
    "user_email": "ann@example.com",
    "resource_type": "table",
    "resource_id": "orders",
    "rule": "grant: the group ops has table orders",
}
DONE = {
    "dry_run": False,
    "id": "e1",
    "action": "user_groups.update",
    "resource": "group:g1",
    "fields": FIELDS,
    "deactivated": ["left@example.com"],
    "audit_id": "e2",
}
VIEW = {
    "id": "v1",
    "page": "activity",
    "name": "errors",
    "query": {"result_class": "error"},
    "is_default": True,
    "created_at": WHEN,
}


def views(*rows: Any) -> dict[str, Any]:
    more = {"total": len(rows), "limit": 100, "offset": 0, "next_offset": None}
    return {"rows": list(rows), "views": list(rows), **more}


@pytest.fixture(autouse=True)
def _everything(server: Server) -> None:
    page = {"rows": [{**DIFF, "fields": FIELDS}], "next_cursor": {"ts": WHEN, "id": "e1"}}
    dry = {**DONE, "dry_run": True, "access": {"gains": [GAIN], "loses": []}}
    server.answers |= {
        ("GET", "/api/admin/activity/changes"): page,
        ("GET", f"{EVENT}/diff"): DIFF,
        ("POST", f"{EVENT}/rollback"): lambda request: dry if request.url.query else DONE,
        ("POST", f"{EVENT}/reveal"): {"id": "e1", "timestamp": WHEN, "params": '{"a":"raw"}'},
        ("GET", VIEWS): views(VIEW, {**VIEW, "id": "v2", "name": EVIL, "query": EVIL}),
        ("POST", VIEWS): VIEW,
        ("PATCH", f"{VIEWS}/v1"): VIEW,
        ("DELETE", f"{VIEWS}/v1"): httpx.Response(204),
    }


def agnes(run: Run, words: str, *more: str) -> str:
    done = run("admin", *words.split(), *more)
    assert done.exit_code == 0, done.output
    assert "\x1b[2J" not in done.output
    assert "\nforged" not in done.stdout.replace("- forged", "")
    return seen(done.stdout)


def test_changes_are_listed_with_their_fields(run: Run, server: Server) -> None:
    shown = agnes(run, "activity changes --action user_groups. --since 7d --limit 3")
    assert server.params["action_prefix"] == "user_groups."
    assert server.params["limit"] == "3"
    assert "name, members" in shown
    server.on("GET", "/api/admin/activity/changes", {"rows": [], "next_cursor": None})
    assert "no change in this window" in agnes(run, "activity changes")


def test_a_diff_shows_before_and_after(run: Run, server: Server) -> None:
    shown = agnes(run, "activity diff e1")
    assert "name\n  - old\n  + new\n" in shown
    assert '"user_id": "u1"' in shown
    assert "2026-01-31 09:05:00Z  ann@example.com" in shown
    assert "agnes admin activity rollback e1 --dry-run" in shown
    refused = {**DIFF, "can_roll_back": False, "why_not": "the group has changed since"}
    server.on("GET", f"{EVENT}/diff", {**refused, "fields": []})
    shown = agnes(run, "activity diff e1")
    assert "no field differs" in shown
    assert "cannot be rolled back: the group has changed since" in shown


def test_a_dry_run_says_who_gains_and_loses(run: Run, server: Server) -> None:
    shown = agnes(run, "activity rollback e1 --dry-run")
    assert server.params == {"dry_run": "1"}
    assert "would roll back user_groups.update" in shown
    assert "gains" in shown
    assert "ann@example.com" in shown
    assert "left@example.com is deactivated" in shown
    dry = {**DONE, "dry_run": True, "access": {"gains": [], "loses": []}}
    server.on("POST", f"{EVENT}/rollback", dry)
    assert "nobody gains or loses access" in agnes(run, "activity rollback e1 --dry-run")


def test_a_rollback_sends_its_reason(run: Run, server: Server) -> None:
    shown = agnes(run, "activity rollback e1 --reason", "by mistake")
    assert (server.params, server.body) == ({}, {"reason": "by mistake"})
    assert "rolled back user_groups.update" in shown
    assert "gains" not in shown
    agnes(run, "activity rollback e1")
    assert server.body == {}


def test_a_conflict_tells_the_three_values(run: Run, server: Server) -> None:
    detail = "Nothing was changed; name was 'a', became 'b', is now 'c'."
    server.says_no("POST", f"{EVENT}/rollback", 409, "the group has changed since", detail)
    done = run("admin", "activity", "rollback", "e1")
    assert done.exit_code == 1
    assert "the group has changed since" in done.stderr
    assert "is now 'c'" in done.stderr


def test_a_raw_row_needs_a_reason(run: Run, server: Server) -> None:
    assert '"a": "raw"' in agnes(run, "activity reveal e1 --reason", "support case")
    assert server.body == {"reason": "support case"}
    before = len(server.requests)
    assert run("admin", "activity", "reveal", "e1").exit_code == 2
    assert len(server.requests) == before


@pytest.mark.parametrize("verb", ["diff", "rollback", "reveal"])
def test_an_id_is_one_part_of_the_path(run: Run, server: Server, verb: str) -> None:
    reason = ["--reason", "because"] if verb == "reveal" else []
    done = run("admin", "activity", verb, "../users/x?y#z", *reason)
    assert done.exit_code == 1
    assert server.last.url.raw_path.startswith(b"/api/admin/activity/..%2Fusers%2Fx%3Fy%23z/")
    before = len(server.requests)
    for nothing in ("", ".", ".."):
        assert run("admin", "activity", verb, nothing, *reason).exit_code == 2
    assert len(server.requests) == before


def test_views_are_listed_saved_and_deleted(run: Run, server: Server, terminal: Terminal) -> None:
    shown = agnes(run, "views")
    assert "errors" in shown
    assert "result_class=error" in shown
    agnes(run, "views list --page activity")
    assert server.params == {"page": "activity"}
    agnes(run, "views save errors --result-class error --since 24h --default --page activity")
    assert server.body == {
        "name": "errors",
        "query": {"result_class": "error", "since_minutes": "1440"},
        "page": "activity",
        "is_default": True,
    }
    agnes(run, "views save plain")
    assert server.body == {"name": "plain", "query": {}}
    for view in ("errors", "v1"):
        assert "deleted the view" in agnes(run, f"views delete {view}")
        assert (server.last.method, server.last.url.path) == ("DELETE", f"{VIEWS}/v1")


def test_a_view_is_renamed_and_made_the_default(run: Run, server: Server) -> None:
    agnes(run, "views rename errors failures")
    assert (server.last.method, server.last.url.path) == ("PATCH", f"{VIEWS}/v1")
    assert server.body == {"name": "failures"}
    agnes(run, "views default errors")
    assert server.body == {"is_default": True}
    agnes(run, "views default v1 --off")
    assert server.body == {"is_default": False}


def test_a_view_must_be_meant_alone(run: Run, server: Server) -> None:
    assert run("admin", "views", "delete", "nothing").exit_code == 1
    server.on("GET", VIEWS, views(VIEW, {**VIEW, "id": "v3", "page": "sessions"}))
    done = run("admin", "views", "delete", "errors")
    assert (done.exit_code, server.last.method) == (1, "GET")
    assert "give the id" in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        "activity changes",
        "activity diff e1",
        "activity rollback e1",
        "activity reveal e1 --reason because",
        "views",
        "views save errors",
        "views delete errors",
        "views rename errors failures",
        "views default errors",
    ],
)
def test_everything_comes_as_json_too(run: Run, words: str) -> None:
    done = run("admin", *words.split(), "--json")
    assert done.exit_code == 0
    assert isinstance(json.loads(done.stdout), dict)
