"""`/api/palette`: what is found, in which order, by whom, and what of it stands in the log."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from console import links
from console.audit import new_id, now
from schema.policy import Principal
from schema.tables import SESSION_FILES, USER_OBSERVABILITY_VIEWS, USERS
from schema.transaction import Rows
from tests.transcripts import Transcript
from tests.whole_server import WholeServer

PATH = "/api/palette"
ENVELOPE = {"rows", "total", "limit", "offset", "next_offset"}
HOSTILE = '<img src=x onerror="alert(1)">'
Row = dict[str, Any]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeServer]:
    with WholeServer(tmp_path_factory.mktemp("palette") / "data") as server:
        yield server


@pytest.fixture(scope="module")
def people(server: WholeServer) -> dict[str, str]:
    ids = {
        "admin": server.person("root", is_admin=True),
        "ana": server.person("ana"),
        "joanna": server.person("joanna", "sessions"),
        "percent": server.person("100%_sure"),
        "hostile": server.person("eve"),
    }
    at = now()
    files: list[dict[str, Any]] = [
        {
            "session_file": f"{ids[owner]}/{name}.jsonl",
            "user_id": ids[owner],
            "bytes": 5,
            "sha256": "0" * 64,
            "uploaded_at": at - timedelta(hours=number),
            "first_uploaded_at": at - timedelta(hours=number),
            "indexed": False,
        }
        for number, (owner, name) in enumerate(
            [("ana", "talk-1"), ("joanna", "talk-2"), *[("ana", f"more-{n:02}") for n in range(30)]]
        )
    ]
    views = [
        {
            "id": new_id(),
            "user_id": ids[owner],
            "page": page,
            "name": name,
            "query": "{}",
            "is_default": False,
            "created_at": at,
        }
        for owner, page, name in (
            ("admin", "activity", "Talkative"),
            ("ana", "me", "my talks"),
            ("ana", "activity", "talks of a page that is shut"),
            ("ana", "nowhere", "talks of no page"),
        )
    ]
    for file in files:
        path = server.instance.settings.folder / "sessions" / file["session_file"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(Transcript().prompt("hello").data)
    server.instance.store.write(
        Rows(SESSION_FILES, files), Rows(USER_OBSERVABILITY_VIEWS, views)
    ).result()
    server.instance.store.write(
        lambda transaction: transaction.update(USERS, {"id": ids["hostile"]}, {"name": HOSTILE})
    ).result()
    return ids


@pytest.fixture(scope="module")
def clients(server: WholeServer, people: dict[str, str]) -> Iterator[dict[str, httpx.Client]]:
    found = {name: server.client(server.token(id)) for name, id in people.items()}
    yield found
    for client in found.values():
        client.close()


def ask(client: httpx.Client, **params: str | int) -> Row:
    answer: Row = client.get(PATH, params=params).raise_for_status().json()
    assert set(answer) == ENVELOPE
    assert all(set(row) == {"kind", "label", "detail", "href"} for row in answer["rows"])
    return answer


def labels(answer: Row, kind: str) -> list[str]:
    return [row["label"] for row in answer["rows"] if row["kind"] == kind]


def test_nothing_typed_gives_pages_newest_views_and_newest_sessions(
    clients: dict[str, httpx.Client],
) -> None:
    answer = ask(clients["admin"])
    assert {"Audit log", "Telemetry", "Sessions", "My activity", "Jobs"} <= {
        *labels(answer, "page")
    }
    assert labels(answer, "view") == ["Talkative"]
    assert labels(answer, "session") == ["talk-1", "talk-2", "more-00", "more-01", "more-02"]
    assert labels(answer, "user") == []
    assert answer["total"] == len(answer["rows"])


def test_everybody_finds_what_they_may_open(clients: dict[str, httpx.Client]) -> None:
    """Pages by their right, people as an admin, sessions by the policy, views one's own."""
    ana = ask(clients["ana"], q="talk")
    assert [(row["kind"], row["label"]) for row in ana["rows"]] == [
        ("view", "my talks"),
        ("session", "talk-1"),
    ]
    open_to_all = {"My activity", "My reports", "Catalog", "My sessions", "Notifications"}
    assert set(labels(ask(clients["ana"]), "page")) == open_to_all
    assert ask(clients["ana"], q="joanna")["rows"] == []
    joanna = ask(clients["joanna"], q="talk")
    assert labels(joanna, "session") == ["talk-1", "talk-2"]
    assert labels(joanna, "view") == labels(joanna, "user") == []
    admin = ask(clients["admin"], q="talk")
    assert labels(admin, "view") == ["Talkative"]
    assert labels(admin, "session") == ["talk-1", "talk-2"]


def test_what_begins_with_it_comes_first_whatever_its_case(
    clients: dict[str, httpx.Client],
) -> None:
    assert labels(ask(clients["admin"], q="AN"), "user") == ["ana", "joanna"]
    kinds = [row["kind"] for row in ask(clients["admin"], q="a")["rows"]]
    assert kinds[:2] == ["page", "user"], "a page that begins with it, then a person"


@pytest.mark.parametrize(("text", "wanted"), [("0%_s", ["100%_sure"]), ("%", ["100%_sure"])])
def test_a_text_is_taken_as_it_stands(
    clients: dict[str, httpx.Client], text: str, wanted: list[str]
) -> None:
    answer = ask(clients["admin"], q=text)
    assert labels(answer, "user") == wanted
    assert labels(answer, "session") == []


def test_a_hostile_name_is_a_text(clients: dict[str, httpx.Client]) -> None:
    assert labels(ask(clients["admin"], q="<IMG"), "user") == [HOSTILE]


def test_pages_of_the_answer_hold_each_line_once(clients: dict[str, httpx.Client]) -> None:
    seen: list[str] = []
    offset: int | None = 0
    while offset is not None:
        answer = ask(clients["admin"], q="more-", limit=7, offset=offset)
        seen += labels(answer, "session")
        offset = answer["next_offset"]
    assert seen == [f"more-{number:02}" for number in range(30)]
    assert answer["total"] == 30


@pytest.mark.parametrize("params", [{"limit": 41}, {"limit": 0}, {"q": "a" * 201}, {"who": "x"}])
def test_what_cannot_be_asked_is_named(
    clients: dict[str, httpx.Client], params: dict[str, Any]
) -> None:
    answer = clients["admin"].get(PATH, params=params)
    assert answer.status_code == 400
    assert next(iter(params)) in answer.json()["error"]


def reads(server: WholeServer, user: str) -> list[tuple[str, str]]:
    with server.client(server.token(server.person(f"reader-{new_id()}", "activity"))) as reader:
        params = {"user_id": user, "include_self_reads": "true", "limit": "200"}
        rows = reader.get("/api/admin/activity", params=params).raise_for_status().json()["rows"]
    return [(row["action"], str(row["params"])) for row in rows if ".read" in row["action"]]


def test_names_of_others_leave_a_row_a_minute_and_never_what_was_typed(
    server: WholeServer,
) -> None:
    curious = server.person("curious", is_admin=True)
    with server.client(server.token(curious)) as client:
        for text in ("j", "jo", "joa", "joan"):
            assert labels(ask(client, q=text), "user") == ["joanna"] or text == "j"
    found = reads(server, curious)
    assert sorted(action for action, _ in found) == ["access.read", "sessions.read"]
    assert not [params for _, params in found if "joa" in params]


def test_ones_own_menu_leaves_none(server: WholeServer) -> None:
    quiet = server.person("quiet")
    with server.client(server.token(quiet)) as client:
        ask(client)
        ask(client, q="my")
    assert reads(server, quiet) == []


# Where things are


def test_links_lead_where_the_object_is() -> None:
    def parts(href: str) -> tuple[str, dict[str, list[str]]]:
        split = urlsplit(href)
        return split.path, parse_qs(split.query)

    assert parts(links.href("event", "e&1")) == ("/admin/activity", {"row": ["e&1"]})
    assert parts(links.href("run", "r1")) == ("/admin/jobs", {"run": ["r1"]})
    assert links.href("user", "u/1") == "/admin/users/u%2F1"
    assert links.href("session", "u1/a b.jsonl") == "/admin/sessions/u1/a%20b.jsonl"
    assert links.replay("u1/a.jsonl", 3, query="q=x&sort=user") == (
        "/admin/sessions/u1/a.jsonl?q=x&sort=user#t3"
    )
    path, asked = parts(links.href("session", 'no "key"'))
    assert (path, asked["query"]) == ("/admin/activity", [r'resource:="session:no \"key\""'])
    assert parts(links.href("table", "t1"))[1]["query"] == ["resource:=table:t1"]
    assert parts(links.history("session", "s", own=True))[0] == "/me"


def test_an_event_leads_to_the_page_that_its_reader_may_open() -> None:
    reader, boss = Principal("u1"), Principal("u2", is_admin=True)
    granted = Principal("u3", surfaces=frozenset({"sessions"}))
    mine = "session:u1/talk.jsonl"
    found = [links.of_resource(mine, me) for me in (reader, boss, granted, Principal("u4"))]
    there = "/admin/sessions/u1/talk.jsonl"
    assert found == ["/me/sessions/talk.jsonl", there, there, None]
    for resource, page in (("user:u1", "/admin/users/u1"), ("job:tick", "/admin/jobs?job=tick")):
        assert links.of_resource(resource, boss) == page
        assert links.of_resource(resource, granted) is None
    for nothing in ("no object", None, "table:orders", "session:u1/a/b.jsonl", "session:u1/cut…"):
        assert links.of_resource(nothing, boss) is None


def test_a_page_about_one_of_many_is_no_place_to_go(server: WholeServer) -> None:
    assert all(links.one_place(place.path) for place in server.instance.places)
    assert links.one_place("/admin/activity")
    assert links.one_place("/admin/a-b.c")
    assert not links.one_place("/admin/sessions/[^/]+/[^/]+")
    assert not links.one_place("/me/(.*)")


def test_every_line_leads_to_a_page_that_opens(clients: dict[str, httpx.Client]) -> None:
    for name in ("admin", "ana"):
        rows = [row for text in ("", "talk") for row in ask(clients[name], q=text)["rows"]]
        for href in dict.fromkeys(row["href"] for row in rows):
            answer = clients[name].get(href, follow_redirects=True)
            assert answer.status_code == 200, href


def test_a_table_leads_to_the_catalog() -> None:
    """The tables that are always there, one at a time."""
    me = Principal("me")
    assert links.of_resource("table:agnes_audit", me) == "/catalog?table=agnes_audit"
    assert links.of_resource("table:agnes_audit,agnes_sessions", me) is None
    assert links.of_resource("table:other", me) is None
