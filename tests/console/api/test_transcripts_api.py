"""`/api/admin/sessions/<user>/<file>/…`, `/api/admin/users/<id>/…` and `/api/me/…`: whole, for
those who may, and never unnoticed."""

from __future__ import annotations

import io
import itertools
import os
import zipfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from ingest.transcript import build, events
from schema.tables import SESSION_FILES
from schema.transaction import Rows
from tests.console.transcript_place import MINE, SESSIONS, SIDE, TALK, Place, all_pages, got
from tests.ingest.transcript.written import file, user

DAY = datetime(2026, 3, 1)


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with Place(tmp_path_factory.mktemp("transcripts") / "data") as place:
        yield place


@pytest.fixture
def place(opened: Place) -> Place:
    opened.a_minute_later()
    return opened


@pytest.fixture(scope="module")
def talk(opened: Place) -> str:
    """A session with one subagent, indexed."""
    key = opened.upload("talk.jsonl", TALK)
    side = opened.upload("agent-x.jsonl", SIDE, parent=key)
    opened.make_index(key, [side])
    return key


ROUTES = {
    "{sessions}/{key}/transcript": "sessions",
    "{sessions}/{key}/outline": "sessions",
    "{sessions}/{key}/images/1": "sessions",
    "{sessions}/{key}/download": "sessions",
    "{sessions}/{key}/views": "sessions",
    "/api/admin/users/{owner}/sessions": "admin",
    "/api/admin/users/{owner}/activity": "admin",
    "/api/admin/users/{owner}/sessions/talk.jsonl/download": "admin",
    "/api/admin/users/{owner}/sessions/download-all": "admin",
    "/api/me/sessions/talk.jsonl/transcript": "owner",
    "/api/me/sessions/talk.jsonl/outline": "owner",
    "/api/me/sessions/talk.jsonl/images/1": "owner",
    "/api/me/sessions/talk.jsonl/download": "owner",
}
ALLOWED = {
    "sessions": {"stranger": 401, "analyst": 403, "owner": 403, "granted": 200, "admin": 200},
    "admin": {"stranger": 401, "analyst": 403, "owner": 403, "granted": 403, "admin": 200},
    # An admin's own sessions are their own, whoever they are.
    "owner": {"stranger": 401, "analyst": 404, "owner": 200, "granted": 404, "admin": 404},
}


@pytest.mark.parametrize("route", ROUTES)
def test_each_route_opens_to_whom_it_should(place: Place, talk: str, route: str) -> None:
    path = route.format(sessions=SESSIONS, key=talk, owner=place.owner)
    found = {name: client.get(path).status_code for name, client in place.clients.items()}
    assert found == ALLOWED[ROUTES[route]]


def test_a_page_says_all_about_its_events(place: Place, talk: str) -> None:
    page = got(place.admin.get(f"{SESSIONS}/{talk}/transcript"))
    assert (page["session_file"], page["user_id"]) == (talk, place.owner)
    assert (page["indexed"], page["total"], page["next"]) == (True, 14, None)
    assert (page["summary"], page["verdict"], page["findings"]) == (None, None, [])
    events = page["events"]
    assert [event["turn"] for event in events] == list(range(14))
    assert [event["kind"] for event in events] == [
        *("text", "image", "thinking", "text", "tool_use", "tool_use", "tool_result"),
        *("tool_result", "tool_result", "image", "meta", "meta", "tool_use", "tool_result"),
    ]
    first, failed = events[6], events[7]
    assert (first["tool_name"], first["call_turn"], first["duration_ms"]) == ("Edit", 4, 2500)
    assert (failed["tool_name"], failed["call_turn"], failed["duration_ms"]) == ("Bash", 5, 8000)
    assert (failed["is_error"], failed["outcome"]) == (True, "error")
    assert [events[turn]["result_turn"] for turn in (4, 5)] == [6, 7]
    assert events[0]["ts"] == "2026-03-01T10:00:00Z"
    assert events[12]["agent"] == "x"


def test_a_result_knows_its_call_on_an_earlier_page(place: Place, talk: str) -> None:
    path = f"{SESSIONS}/{talk}/transcript"
    (event,) = got(place.admin.get(path, params={"from": 7, "limit": 1}))["events"]
    assert (event["tool_name"], event["call_turn"], event["duration_ms"]) == ("Bash", 5, 8000)
    (event,) = got(place.admin.get(path, params={"from": 5, "limit": 1}))["events"]
    assert event["result_turn"] == 7


@pytest.mark.parametrize("limit", [1, 3, 7, 500])
@pytest.mark.parametrize("indexed", [True, False])
def test_all_pages_together_are_the_whole(place: Place, limit: int, *, indexed: bool) -> None:
    key = place.upload(f"whole-{limit}-{indexed}.jsonl", TALK)
    side = place.upload("agent-x.jsonl", SIDE, parent=key)
    if indexed:
        place.make_index(key, [side])
    paths = [place.folder / key, place.folder / side]
    whole = events(build(paths[0], paths[1:]), paths[0], paths[1:], 0, 100)
    found = all_pages(place.admin, f"{SESSIONS}/{key}/transcript", limit)
    same = ("turn", "kind", "text", "line", "tool_name", "call_turn", "agent", "input")
    assert [[one[name] for name in same] for one in found] == [
        [getattr(one, name) for name in same] for one in whole
    ]
    assert got(place.admin.get(f"{SESSIONS}/{key}/transcript"))["indexed"] == indexed


def whole_transcripts() -> list[bytes]:
    """Those of the corpus where there is one, and always ours."""
    folder = os.environ.get("AGNES_TEST_CORPUS")
    paths = sorted((Path(folder) / "transcripts").glob("*.jsonl")) if folder else []
    assert paths or not folder
    return [TALK * 30, *(path.read_bytes() for path in paths if path.name != "labels.jsonl")]


def test_whole_transcripts_come_whole(place: Place) -> None:
    for number, data in enumerate(whole_transcripts()):
        key = place.upload(f"real-{number}.jsonl", data)
        if number % 2:
            place.make_index(key)
        stream = io.BytesIO(data)
        whole = events(build(stream), stream, (), 0, 10**9)
        found = all_pages(place.admin, f"{SESSIONS}/{key}/transcript", 97 if number else 7)
        told = [(one["turn"], one["kind"], one["line"], one["text"]) for one in found]
        assert told == [(one.turn, one.kind, one.line, one.text) for one in whole], number


@pytest.mark.parametrize(
    ("kinds", "turns"),
    [
        ("prompts", [0, 1]),
        ("answers", [3]),
        ("thinking", [2]),
        ("tools", [4, 5, 6, 7, 8, 9, 12, 13]),
        ("errors", [7, 13]),
        ("meta", [10, 11]),
        ("prompts,errors", [0, 1, 7, 13]),
    ],
)
@pytest.mark.parametrize("limit", [1, 2, 100])
def test_kinds_are_counted_and_paged_among_themselves(
    place: Place, talk: str, kinds: str, turns: list[int], limit: int
) -> None:
    path = f"{SESSIONS}/{talk}/transcript"
    assert [one["turn"] for one in all_pages(place.admin, path, limit, kinds=kinds)] == turns
    assert got(place.admin.get(path, params={"kinds": kinds, "limit": 1}))["total"] == len(turns)


def test_kinds_are_known_before_there_is_an_index(place: Place) -> None:
    key = place.upload("fresh.jsonl", TALK)
    page = got(place.admin.get(f"{SESSIONS}/{key}/transcript", params={"kinds": "errors"}))
    assert ([one["turn"] for one in page["events"]], page["indexed"]) == ([7], False)


def test_past_the_end_there_is_nothing(place: Place, talk: str) -> None:
    fresh = place.upload("short.jsonl", TALK)
    for key in (talk, fresh):
        page = got(place.admin.get(f"{SESSIONS}/{key}/transcript", params={"from": 999}))
        assert (page["events"], page["next"]) == ([], None)


def test_an_empty_transcript_is_one(place: Place) -> None:
    key = place.upload("empty.jsonl", b"")
    page = got(place.admin.get(f"{SESSIONS}/{key}/transcript"))
    assert (page["events"], page["total"], page["next"]) == ([], 0, None)
    outline = got(place.admin.get(f"{SESSIONS}/{key}/outline"))
    assert (outline["cells"], outline["agents"]) == ([], [])
    assert place.admin.get(f"{SESSIONS}/{key}/download").content == b""


def test_the_outline_says_where_to_jump(place: Place, talk: str) -> None:
    outline = got(place.admin.get(f"{SESSIONS}/{talk}/outline"))
    assert (outline["total"], outline["prompts"], outline["errors"]) == (14, [0], [7, 13])
    assert outline["agents"] == [{"agent": "x", "first": 11, "last": 13}]
    cells = outline["cells"]
    assert [cell["first"] for cell in cells] == list(range(14))
    assert sum(cell["tools"] for cell in cells) == 8
    assert [cell["first"] for cell in cells if cell["errors"]] == [7, 13]


@pytest.mark.parametrize("total", [1, 119, 120, 121, 333])
def test_cells_share_the_session_evenly(place: Place, total: int) -> None:
    key = place.upload(f"cells-{total}.jsonl", file(*[user("x")] * total).getvalue())
    place.make_index(key)
    cells = got(place.admin.get(f"{SESSIONS}/{key}/outline"))["cells"]
    assert len(cells) == min(total, 120)
    firsts = [cell["first"] for cell in cells] + [total]
    assert [cell["prompts"] for cell in cells] == [
        after - first for first, after in itertools.pairwise(firsts)
    ]


def test_an_image_comes_as_what_it_is_and_nothing_else(place: Place, talk: str) -> None:
    answer = place.admin.get(f"{SESSIONS}/{talk}/images/1")
    assert answer.headers["Content-Type"] == "image/png"
    assert answer.content.startswith(b"\x89PNG")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    for turn in (0, 9, 13, 14, 999_999_999):
        assert place.admin.get(f"{SESSIONS}/{talk}/images/{turn}").status_code == 404


def test_a_download_is_the_file_byte_for_byte(place: Place) -> None:
    data = TALK * 2000  # several pieces
    key = place.upload("large.jsonl", data)
    answer = place.admin.get(f"{SESSIONS}/{key}/download")
    assert answer.content == data
    assert answer.headers["Content-Length"] == str(len(data))
    assert answer.headers["Content-Disposition"] == 'attachment; filename="large.jsonl"'
    again = {"If-None-Match": answer.headers["ETag"]}
    path = f"/api/admin/users/{place.owner}/sessions/large.jsonl/download"
    assert place.admin.get(path).content == data
    assert place.admin.get(path, headers=again).status_code == 304
    place.upload("large.jsonl", TALK)
    assert place.admin.get(path, headers=again).content == TALK


def test_a_zip_holds_every_file_and_follows_no_link(place: Place, tmp_path: Path) -> None:
    person = place.user('o\'dd "one"/..@example.org')
    with place.client(place.token(person)) as client:
        for name, parent in (("a.jsonl", None), ("b.jsonl", None), ("agent-x.jsonl", "a.jsonl")):
            form: Any = {"data": {"parent": parent}} if parent else {}
            files = {"file": (name, TALK if parent else SIDE)}
            got(client.post("/api/upload/sessions", files=files, **form))
    secret = tmp_path / "secret"
    secret.write_text("nobody's business")
    folder = place.folder / person
    (folder / "link.jsonl").symlink_to(secret)
    (folder / "linked").symlink_to(tmp_path)
    names = ("link.jsonl", "linked/secret", "../../../etc/passwd", "gone.jsonl", "b.jsonl/x")
    rows = [{"session_file": f"{person}/{name}", "user_id": person, "bytes": 1} for name in names]
    place.store.write(
        Rows(SESSION_FILES, [{**row, "uploaded_at": DAY, "sha256": ""} for row in rows])
    ).result()
    answer = place.admin.get(f"/api/admin/users/{person}/sessions/download-all")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        found = {name: archive.read(name) for name in archive.namelist()}
    assert found == {"a.jsonl": SIDE, "b.jsonl": SIDE, "a/subagents/agent-x.jsonl": TALK}
    assert (answer.headers["X-File-Count"], answer.headers["X-Missing-Count"]) == ("3", "5")
    assert answer.headers["Content-Disposition"].startswith(
        'attachment; filename="o_dd_one_..-sessions-'
    )
    assert place.admin.get(f"{SESSIONS}/{person}/link.jsonl/download").status_code == 404


def test_who_has_nothing_gets_an_empty_zip(place: Place) -> None:
    answer = place.admin.get(f"/api/admin/users/{place.user()}/sessions/download-all")
    assert answer.status_code == 200
    assert zipfile.ZipFile(io.BytesIO(answer.content)).namelist() == []
    for part in ("sessions", "activity", "sessions/download-all"):
        assert place.admin.get(f"/api/admin/users/nobody/{part}").status_code == 404


@pytest.mark.parametrize(
    ("user_id", "name", "status"),
    [
        ("{owner}", "none.jsonl", 404),
        ("{owner}", "talk.jsonl.gz", 400),
        ("{owner}", "talk", 400),
        ("{owner}", "..%2Ftalk.jsonl", 400),
        ("{owner}", "%2E%2E%2F%2E%2E%2Fetc%2Fpasswd", 400),
        ("{owner}", "talk.jsonl%00", 400),
        ("{owner}", "talk.jsonl%0A", 400),
        ("{owner}", "agent-x.jsonl", 404),
        ("{owner}", "talk%2Fsubagents%2Fagent-x.jsonl", 400),
        ("..", "talk.jsonl", 400),
        ("{analyst}", "talk.jsonl", 404),
        ("nobody", "talk.jsonl", 400),
        ("{owner}%2F..", "talk.jsonl", 400),
        ("%FF", "talk.jsonl", 400),
    ],
)
def test_hostile_names_are_refused(
    place: Place, talk: str, user_id: str, name: str, status: int
) -> None:
    user = user_id.format(owner=place.owner, analyst=place.analyst)
    for part in ("transcript", "outline", "images/1", "download", "views"):
        answer = place.admin.get(f"{SESSIONS}/{user}/{name}/{part}")
        if user == "..":  # a client takes that out of an address
            continue
        assert answer.status_code == status, answer.text
    answer = place.admin.get(f"/api/admin/users/{place.owner}/sessions/{name}/download")
    assert answer.status_code in (400, 404) or (name == "talk.jsonl" and answer.is_success)


@pytest.mark.parametrize(
    "given",
    [
        *({"limit": 0}, {"limit": 501}, {"from": -1}, {"from": "x"}, {"kinds": "all"}),
        *({"kinds": ","}, {"page": 1}, {"reason": "x" * 201}),
    ],
)
def test_what_cannot_be_asked_is_named(place: Place, talk: str, given: dict[str, Any]) -> None:
    answer = place.admin.get(f"{SESSIONS}/{talk}/transcript", params=given)
    (name,) = given
    assert answer.status_code == 400
    assert name in answer.json()["error"]


def test_a_file_that_went_from_the_disk_is_said_to_be_gone(place: Place) -> None:
    key = place.upload("went.jsonl", TALK)
    (place.folder / key).unlink()
    for part in ("transcript", "outline", "download", "images/1"):
        answer = place.admin.get(f"{SESSIONS}/{key}/{part}")
        assert answer.status_code == 404
        assert "no longer on the server's disk" in answer.json()["error"]


def test_lists_of_sessions_show_what_is_not_processed_yet(place: Place, talk: str) -> None:
    path = f"/api/admin/users/{place.owner}/sessions"
    page = got(place.admin.get(path, params={"limit": 2}))
    assert page["pagination"] == {"limit": 2, "offset": 0, "total": page["total"]}
    rows = got(place.admin.get(path, params={"limit": 200}))["rows"]
    assert len(rows) == page["total"]
    assert next(row for row in rows if row["session_file"] == talk)["processed"] is False
    mine = got(place.clients["owner"].get(MINE, params={"limit": 200}))
    assert [row["session_file"] for row in mine["rows"]] == [row["session_file"] for row in rows]
    assert got(place.clients["granted"].get(MINE))["rows"] == []


def test_activity_is_that_of_one_person(place: Place, talk: str) -> None:
    path = f"/api/admin/users/{place.owner}/activity"
    rows = got(place.admin.get(path, params={"action_prefix": "session.upload"}))["rows"]
    assert rows
    assert {row["user_id"] for row in rows} == {place.owner}
    assert place.admin.get(path, params={"user_id": place.admin_id}).status_code == 400
    before = len(place.log("admin.user_activity_read"))
    for _ in range(2):
        got(place.admin.get(path, params={"result_class": "success"}))
    assert len(place.log("admin.user_activity_read")) == before + 1
