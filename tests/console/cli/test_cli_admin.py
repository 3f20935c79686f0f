"""`agnes admin users|groups|grants|tokens`: each command, what it asks and what it shows."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.console.cli.stand_in import Run, Server, Terminal, list_of

ANN_ID = "018f0000-0000-7000-8000-000000000001"
TEAM_ID = "018f0000-0000-7000-8000-00000000000a"
WHEN = "2026-01-31T09:05:00Z"
ANN = {
    "id": ANN_ID,
    "email": "Ann@example.com",
    "name": "Ann",
    "is_admin": True,
    "is_active": True,
    "created_at": WHEN,
    "deactivated_at": None,
}
NEAR = {**ANN, "id": "other", "email": "joann@example.com"}
TEAM = {"id": TEAM_ID, "name": "ops", "description": "", "created_at": WHEN, "members": 2}
OPS2 = {**TEAM, "id": "other", "name": "ops2"}
MEMBER = {"user_id": ANN_ID, "email": "Ann@example.com", "name": "Ann", "added_at": WHEN}
GRANT = {
    "id": "gr1",
    "group_id": TEAM_ID,
    "group_name": "ops",
    "resource_type": "table",
    "resource_id": "orders",
    "created_at": WHEN,
    "created_by": ANN_ID,
}
TOKEN = {
    "id": "t1",
    "user_id": ANN_ID,
    "user_email": "Ann@example.com",
    "name": "ci",
    "kind": "agent",
    "created_at": WHEN,
    "expires_at": None,
    "last_used_at": None,
    "revoked_at": None,
}
PROFILE = {
    "table_id": "orders",
    "rows": 3,
    "bytes": 9,
    "synced_at": "2026-01-31T09:05:00Z",
    "columns": [
        {"name": "town", "type": "VARCHAR", "nulls": 1, "top": [{"value": "Brno", "count": 2}]}
    ],
}
ATTEMPT = {
    "id": "a",
    "table_id": "orders",
    "synced_at": "2026-01-31T09:05:00Z",
    "status": "error",
    "rows": 0,
    "duration_ms": 7,
    "error": "no such file",
    "drift": {"added": [], "removed": ["town"], "retyped": []},
}
ORDERS = {
    "id": "orders",
    "name": "orders",
    "source_type": "local",
    "bucket": "Files",
    "location": "/data/orders.csv",
    "description": "\x1b[31mred",
    "columns": [{"name": "id", "type": "int64", "meaning": "The \x1b[31mnumber."}],
    "created_at": WHEN,
    "updated_at": None,
}
RIGHT = {
    "resource": "table:orders",
    "user_email": "Ann@example.com",
    "user_name": "Ann",
    "allowed": True,
    "rule": "grant: the group ops has it",
}
CLOSED = {**RIGHT, "resource": "activity", "allowed": False}
BROWSER = {"id": "b1", "created_at": WHEN, "expires_at": WHEN, "client_ip": "10.0.0.7"}
LINK = {"id": "l1", "user_id": ANN_ID, "expires_at": WHEN, "path": "/login?link=once"}
MADE = {**TOKEN, "token": "agnes_only_once"}

USER = f"/api/admin/users/{ANN_ID}"
GROUP = f"/api/admin/groups/{TEAM_ID}"


@pytest.fixture(autouse=True)
def _everything(server: Server) -> None:
    gone = httpx.Response(204)
    server.answers |= {
        ("GET", "/api/admin/users"): list_of([NEAR, ANN]),
        ("POST", "/api/admin/users"): ANN,
        ("GET", USER): ANN,
        ("PATCH", USER): ANN,
        ("DELETE", USER): gone,
        ("GET", f"{USER}/access"): list_of([RIGHT, CLOSED]),
        ("POST", f"{USER}/sign-in-link"): LINK,
        ("GET", f"{USER}/browsers"): list_of([BROWSER]),
        ("DELETE", f"{USER}/browsers/b1"): gone,
        ("GET", "/api/admin/access"): list_of([RIGHT]),
        ("GET", "/api/admin/groups"): list_of([OPS2, TEAM]),
        ("POST", "/api/admin/groups"): TEAM,
        ("GET", GROUP): TEAM,
        ("PATCH", GROUP): TEAM,
        ("DELETE", GROUP): gone,
        ("GET", f"{GROUP}/members"): list_of([MEMBER]),
        ("POST", f"{GROUP}/members"): MEMBER,
        ("DELETE", f"{GROUP}/members/{ANN_ID}"): gone,
        ("GET", "/api/admin/grants"): list_of([GRANT]),
        ("POST", "/api/admin/grants"): GRANT,
        ("GET", "/api/admin/grants/gr1"): GRANT,
        ("DELETE", "/api/admin/grants/gr1"): gone,
        ("GET", "/api/admin/tokens"): list_of([TOKEN]),
        ("POST", "/api/admin/tokens"): MADE,
        ("GET", "/api/admin/tokens/t1"): TOKEN,
        ("PATCH", "/api/admin/tokens/t1"): TOKEN,
        ("DELETE", "/api/admin/tokens/t1"): gone,
        ("GET", "/api/admin/tables"): list_of([ORDERS]),
        ("POST", "/api/admin/tables"): ORDERS,
        ("GET", "/api/admin/tables/orders"): ORDERS,
        ("GET", "/api/admin/tables/orders/profile"): PROFILE,
        ("GET", "/api/admin/tables/orders/syncs"): list_of([ATTEMPT]),
        ("PATCH", "/api/admin/tables/orders"): ORDERS,
        ("DELETE", "/api/admin/tables/orders"): gone,
    }


# command, the request that does it, its body
CHANGES: list[tuple[str, str, str, Any]] = [
    ("users create ann@example.com", "POST", "/api/admin/users", {"email": "ann@example.com"}),
    (
        "users create ann@example.com --name Ann --admin",
        "POST",
        "/api/admin/users",
        {"email": "ann@example.com", "name": "Ann", "is_admin": True},
    ),
    (f"users update {ANN_ID} --no-admin", "PATCH", USER, {"is_admin": False}),
    ("users update ann@example.com --active", "PATCH", USER, {"is_active": True}),
    ("users update ann@example.com --inactive", "PATCH", USER, {"is_active": False}),
    (
        "users update ann@example.com --email a@x.org --name A",
        "PATCH",
        USER,
        {"email": "a@x.org", "name": "A"},
    ),
    ("users deactivate ann@example.com", "DELETE", USER, None),
    ("users link ann@example.com", "POST", f"{USER}/sign-in-link", {}),
    ("users sign-out ann@example.com b1", "DELETE", f"{USER}/browsers/b1", None),
    ("groups create ops", "POST", "/api/admin/groups", {"name": "ops"}),
    (
        "groups create ops --description all",
        "POST",
        "/api/admin/groups",
        {"name": "ops", "description": "all"},
    ),
    ("groups update ops --name sre", "PATCH", GROUP, {"name": "sre"}),
    (f"groups update {TEAM_ID} --description x", "PATCH", GROUP, {"description": "x"}),
    ("groups update ops --claim /ops", "PATCH", GROUP, {"claim": "/ops"}),
    ("groups update ops --claim=", "PATCH", GROUP, {"claim": ""}),
    ("groups delete ops", "DELETE", GROUP, None),
    ("groups add-member ops ann@example.com", "POST", f"{GROUP}/members", {"user_id": ANN_ID}),
    ("groups remove-member ops ann@example.com", "DELETE", f"{GROUP}/members/{ANN_ID}", None),
    (
        "grants create ops activity",
        "POST",
        "/api/admin/grants",
        {"group_id": TEAM_ID, "resource_type": "activity"},
    ),
    (
        "grants create ops table orders",
        "POST",
        "/api/admin/grants",
        {"group_id": TEAM_ID, "resource_type": "table", "resource_id": "orders"},
    ),
    ("grants delete gr1", "DELETE", "/api/admin/grants/gr1", None),
    (
        "tokens create ann@example.com ci",
        "POST",
        "/api/admin/tokens",
        {"user_id": ANN_ID, "name": "ci"},
    ),
    (
        "tokens create ann@example.com ci --days 30 --kind agent",
        "POST",
        "/api/admin/tokens",
        {"user_id": ANN_ID, "name": "ci", "expires_days": 30, "kind": "agent"},
    ),
    ("tokens rename t1 ci2", "PATCH", "/api/admin/tokens/t1", {"name": "ci2"}),
    ("tokens revoke t1", "DELETE", "/api/admin/tokens/t1", None),
    (
        "tables register sales/orders.csv",
        "POST",
        "/api/admin/tables",
        {"name": "orders", "location": "sales/orders.csv"},
    ),
    (
        "tables register o.csv --name orders --id o --description d --bucket b --meaning id=a=b",
        "POST",
        "/api/admin/tables",
        {
            "name": "orders",
            "id": "o",
            "location": "o.csv",
            "description": "d",
            "bucket": "b",
            "meanings": {"id": "a=b"},
        },
    ),
    (
        "tables change orders --location new.csv --meaning id=",
        "PATCH",
        "/api/admin/tables/orders",
        {"location": "new.csv", "meanings": {"id": ""}},
    ),
    ("tables remove orders", "DELETE", "/api/admin/tables/orders", None),
    ("tables delete orders", "DELETE", "/api/admin/tables/orders", None),
]
READS: list[tuple[str, str, list[str]]] = [
    ("users", "/api/admin/users", ["Ann@example.com", ANN_ID, "yes"]),
    ("users list", "/api/admin/users", ["joann@example.com"]),
    ("users show ann@example.com", USER, ["2026-01-31 09:05:00Z"]),
    ("users access ann@example.com", f"{USER}/access", ["table:orders", "the group ops"]),
    ("users access ann@example.com --all", f"{USER}/access", ["activity"]),
    ("users browsers ann@example.com", f"{USER}/browsers", ["b1", "10.0.0.7"]),
    ("grants who table:orders", "/api/admin/access", ["Ann@example.com", "the group ops"]),
    ("groups", "/api/admin/groups", ["ops2", TEAM_ID]),
    ("groups show ops", GROUP, ["members", "2"]),
    ("groups members ops", f"{GROUP}/members", ["Ann@example.com", ANN_ID]),
    ("grants", "/api/admin/grants", ["orders", "gr1"]),
    ("grants show gr1", "/api/admin/grants/gr1", ["table"]),
    ("tokens", "/api/admin/tokens", ["Ann@example.com", "agent"]),
    ("tokens show t1", "/api/admin/tokens/t1", ["last_used_at"]),
    ("tables", "/api/admin/tables", ["orders", "/data/orders.csv", "local"]),
    ("tables show orders", "/api/admin/tables/orders", ["int64", "number."]),
    ("tables profile orders", "/api/admin/tables/orders/profile", ["3 rows", "Brno (2)"]),
    ("tables history orders", "/api/admin/tables/orders/syncs", ["-town", "no such file"]),
]


@pytest.mark.parametrize(("words", "method", "path", "body"), CHANGES)
@pytest.mark.parametrize("form", [[], ["--json"]], ids=["text", "json"])
def test_a_change_is_asked_for(
    run: Run, server: Server, words: str, method: str, path: str, body: Any, form: list[str]
) -> None:
    done = run("admin", *words.split(), *form)
    assert done.exit_code == 0, done.output
    (change,) = [request for request in server.requests if request.method != "GET"]
    assert (change.method, change.url.path) == (method, path)
    assert (json.loads(change.content) if change.content else None) == body
    if form:
        assert isinstance(json.loads(done.stdout), dict)
    else:
        assert done.stdout


@pytest.mark.parametrize(("words", "path", "shown"), READS)
def test_a_read_shows_what_is_there(
    run: Run, server: Server, words: str, path: str, shown: list[str]
) -> None:
    done = run("admin", *words.split())
    assert done.exit_code == 0
    assert server.last.url.path == path
    assert all(text in done.stdout for text in shown)
    answer = json.loads(run("admin", *words.split(), "--json").stdout)
    assert answer.get("rows", [answer])


def test_every_command_of_every_noun_is_tried() -> None:
    from typer.main import get_command

    from console.cli import admin_grants, admin_groups, admin_tables, admin_tokens, admin_users

    nouns = {
        "users": admin_users.app,
        "groups": admin_groups.app,
        "grants": admin_grants.app,
        "tokens": admin_tokens.app,
        "tables": admin_tables.app,
    }
    words = [case[0] for case in CHANGES] + [case[0] for case in READS]
    tried = {" ".join(each.split()[:2]) for each in words}
    for noun, app in nouns.items():
        for name in get_command(app).commands:  # type: ignore[attr-defined]
            assert name == "list" or f"{noun} {name}" in tried


def test_a_link_is_a_whole_address(run: Run) -> None:
    link = json.loads(run("admin", "users", "link", ANN_ID, "--json").stdout)["link"]
    assert link.startswith("http")
    assert link.endswith("/login?link=once")


@pytest.mark.parametrize("noun", ["users", "groups", "grants", "tokens", "tables"])
def test_a_list_is_searched_and_cut(run: Run, server: Server, noun: str) -> None:
    done = run("admin", noun, "-q", "e", "--limit", "1", "--offset", "0")
    assert server.params == {"q": "e", "limit": "1", "offset": "0"}
    assert done.stderr.startswith("1 of ")
    assert run("admin", noun, "--limit", "0").exit_code == 2


def test_a_list_that_was_cut_says_how_to_go_on(run: Run) -> None:
    assert run("admin", "users", "--limit", "1").stderr == "1 of 2 users; the next: --offset 1\n"


def test_grants_are_filtered_by_group_and_type(run: Run, server: Server) -> None:
    run("admin", "grants", "--group", "ops", "--type", "table")
    assert server.params["group_id"] == TEAM_ID
    assert server.params["resource_type"] == "table"


def test_what_a_table_holds_does_not_speak_to_the_terminal(run: Run) -> None:
    done = run("admin", "tables", "show", "orders")
    assert "[31m" in done.stdout
    assert "\x1b[31m" not in done.stdout


def test_a_meaning_names_its_column(run: Run, server: Server) -> None:
    for words in (["register", "a.csv"], ["change", "orders"]):
        done = run("admin", "tables", *words, "--meaning", "text")
        assert (done.exit_code, server.requests) == (2, [])
        assert "--meaning text is not COLUMN=TEXT" in done.stderr


def test_a_name_must_match_exactly(run: Run, server: Server) -> None:
    done = run("admin", "groups", "show", "op")
    assert (done.exit_code, server.last.url.path) == (1, "/api/admin/groups")
    assert "no group has the name op" in done.stderr
    done = run("admin", "users", "show", "nn@example.com")
    assert "no user has the e-mail nn@example.com" in done.stderr


@pytest.mark.parametrize(
    "words",
    [["users", "update", ANN_ID], ["groups", "update", TEAM_ID], ["tables", "change", "orders"]],
)
def test_a_change_of_nothing_is_not_asked(run: Run, server: Server, words: list[str]) -> None:
    assert run("admin", *words).exit_code == 2
    assert server.requests == []


def test_a_password_comes_through_standard_input(run: Run, server: Server) -> None:
    secret = "correct horse battery"
    run("admin", "users", "create", "a@x.org", "--password-stdin", stdin=secret + "\n")
    assert server.body["password"] == secret
    done = run("admin", "users", "update", ANN_ID, "--password-stdin", stdin=secret + "\n")
    assert server.body == {"password": secret}
    assert secret not in done.output


def test_a_password_is_typed_twice(run: Run, server: Server, terminal: Terminal) -> None:
    terminal()
    words = ["admin", "users", "update", ANN_ID, "--ask-password"]
    assert run(*words, stdin="twelve letters\ntwelve letters\n").exit_code == 0
    assert server.body == {"password": "twelve letters"}
    before = len(server.requests)
    assert run(*words, stdin="twelve letters\ntwelve lettres\n").exit_code == 2
    assert len(server.requests) == before


def test_a_password_that_nobody_can_type_is_named(run: Run, server: Server) -> None:
    done = run("admin", "users", "create", "a@x.org", "--ask-password")
    assert done.exit_code == 2
    assert "--password-stdin" in done.stderr
    assert server.requests == []


def test_a_token_is_shown_once_with_a_warning(run: Run) -> None:
    done = run("admin", "tokens", "create", ANN_ID, "ci")
    assert "agnes_only_once" in done.stdout
    assert "only time" in done.stderr
    done = run("admin", "tokens", "create", ANN_ID, "ci", "--json")
    assert json.loads(done.stdout) == MADE
    assert "agnes_only_once" not in run("admin", "tokens", "show", "t1").stdout


def test_hostile_names_are_shown_and_never_obeyed(run: Run, server: Server) -> None:
    server.on("GET", "/api/admin/users", list_of([{**ANN, "name": "\x1b[2J\nroot"}]))
    text = run("admin", "users").stdout
    assert r"\x1b[2J\nroot" in text
    assert len(text.splitlines()) == 2


def test_an_empty_list_says_so(run: Run, server: Server) -> None:
    server.on("GET", "/api/admin/grants", list_of([]))
    assert run("admin", "grants").stdout == "no grants\n"
    assert run("admin", "grants", "--offset", "9").stdout == "no grants here\n"


def test_the_servers_refusal_is_its_own_words(run: Run, server: Server) -> None:
    no = "the last admin cannot be removed"
    server.says_no("DELETE", USER, 409, no, "Make another admin first.")
    done = run("admin", "users", "deactivate", ANN_ID)
    assert done.exit_code == 1
    assert done.stderr == f"error: {no}\n  Make another admin first.\n"
