"""The replay's page as a browser without scripts meets it, and the rows it leaves."""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from console import sessions
from console.audit import RecentReads
from console.queries import replay as queries
from console.queries.indexing import files_of
from console.queries.sessions import SessionFilter
from console.sessions import Reader
from console.transcript import indexing
from ingest import index_files
from ingest.session_files import FOLDER
from ingest.transcript import build
from schema.bind import Text
from schema.policy import Principal
from tests.browser.visitor import visit
from tests.console.processing_console import Console, drain
from tests.transcripts import talk
from tests.whole_server import WholeServer

VIEW = "session.transcript_view"
SECRET = "the words that only the transcript holds"
LIVE = {"Accept": "text/x-notice"}
SOME = ("uploaded_at", "findings", "tool_errors", "model")  # keys of the list to sort by


class Place(Console):
    """`worker` has three processed sessions, two of them with findings; `reader` may read
    sessions, `nobody` is nobody special."""

    def __init__(self, server: WholeServer) -> None:
        super().__init__(server)
        people = {
            "admin": self.admin_id,
            "worker": self.user,
            "reader": server.person("reader", "sessions"),
            "nobody": server.person("nobody"),
        }
        self.people = people
        self.browsers = {
            name: server.client(cookies=server.cookie(id)) for name, id in people.items()
        }
        failing = talk("one").answer(SECRET).call(error="Exit code 1\nno such table")
        self.first = self.upload("one.jsonl", failing)
        self.clean = self.upload("two.jsonl", talk("two").call().answer("All is well."))
        self.last = self.upload("three.jsonl", talk("three").call(error="Exit code 2\nno"))
        drain(self)
        for file in (self.first, self.clean, self.last):
            self.make_index(file)

    def make_index(self, session_file: str) -> None:
        """As the indexing process would."""
        folder = self.instance.settings.folder
        file_hash = indexing.hash_of(self.instance.store.rows(files_of, Text(session_file)))
        assert file_hash
        made = build(folder / FOLDER / session_file)
        index_files.write(folder, session_file, file_hash, made)

    def get(self, path: str, who: str = "admin") -> httpx.Response:
        return self.browsers[who].get(path)

    def looks(self) -> list[dict[str, Any]]:
        return [row for row in self.log(VIEW) if row["result"] == "success"]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with WholeServer(tmp_path_factory.mktemp("replay") / "data") as server:
        place = Place(server)
        yield place
        for client in (*place.browsers.values(), place.admin):
            client.close()


@pytest.fixture(autouse=True)
def anew(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing was read, and no reason said, before this test."""
    monkeypatch.setattr(place.instance, "recent_reads", RecentReads())


def one(session_file: str, query: str = "") -> str:
    return f"/admin/sessions/{session_file}" + (f"?{query}" if query else "")


def mine(session_file: str) -> str:
    return "/me/sessions/" + session_file.partition("/")[2]


def links(page: str, rel: str) -> list[str]:
    return [html.unescape(at) for at in re.findall(rf'rel="{rel}" href="([^"]+)"', page)]


def test_who_may_read_sessions_replays_everybodys_and_all_their_own(place: Place) -> None:
    for who in ("admin", "reader"):
        found = place.get(one(place.first), who)
        assert found.status_code == 200
        assert SECRET in found.text
        assert "<h1" in found.text
    assert place.get(one(place.first), "nobody").status_code == 403
    assert place.get(one(place.first), "worker").status_code == 403  # their own stands elsewhere
    own = place.get(mine(place.first), "worker")
    assert own.status_code == 200
    assert SECRET in own.text
    assert "My sessions" in own.text
    with place.server.client() as stranger:
        for path in (one(place.first), mine(place.first)):
            assert stranger.get(path).status_code == 302


def test_what_is_not_there_and_what_is_anothers_are_told_alike(place: Place) -> None:
    for path, who in (
        (one(f"{place.user}/none.jsonl"), "admin"),
        (one(f"{place.admin_id}/one.jsonl"), "admin"),
        (mine(place.first), "nobody"),
        (mine(place.first), "admin"),
    ):
        found = place.get(path, who)
        assert found.status_code == 404, path
        assert SECRET not in found.text
    assert place.get(one("a%00b/one.jsonl")).status_code in (400, 404)
    assert place.get("/admin/sessions/..%2f..%2fetc/passwd.jsonl").status_code in (400, 404)


def test_what_cannot_be_asked_is_said_in_the_notice(place: Place) -> None:
    for query, names in (("kinds=words", "kinds"), ("turn=5", "turn"), ("verdict=x", "verdict")):
        found = place.get(one(place.first, query))
        assert found.status_code == 400, query
        assert names in found.text
        assert SECRET not in found.text


def test_a_visit_is_one_look(place: Place) -> None:
    before = len(place.looks())
    asyncio.run(_walk_about(place))
    found = place.looks()[before:]
    assert [row["params"]["via"] for row in found] == ["web"]
    assert found[0]["resource"] == f"session:{place.first}"
    assert found[0]["user_id"] == place.people["reader"]
    place.get(one(place.first), "reader")
    assert len(place.looks()) == before + 2


async def _walk_about(place: Place) -> None:
    cookies = place.server.cookie(place.people["reader"])
    client = httpx.AsyncClient(base_url=place.server.address, cookies=cookies, trust_env=False)
    async with client, visit(client, one(place.first)) as page:
        tools = await page.go("?kinds=tools")
        assert SECRET not in tools["events"]
        assert "no such table" in tools["events"]
        assert 'aria-current="true"' in tools["tools"]
        assert SECRET in (await page.go("?"))["events"]
        beat = await page.go("?", beat=True)
        assert set(beat) - {"health"} == {"notice", "step", "strip", "alike"}
        assert re.search(r"tool error</a> in \d+ of \d+ other sessions", beat["alike"])


def test_with_reasons_nothing_is_shown_before_one_is_said(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(place.instance.settings, "transcript_reason", True)
    path, browser = one(place.first), place.browsers["reader"]
    asked = place.get(f"{path}?kinds=prompts,answers", "reader")
    assert asked.status_code == 200
    assert "Why do you look" in asked.text
    for content in (SECRET, "no such table", "data-events data-total", "checks found something"):
        assert content not in asked.text
    before = len(place.looks())
    token = re.search(r'name="_xsrf" value="([^"]+)"', asked.text)
    assert token
    form = {"_xsrf": token[1], "query": "?kinds=prompts,answers"}
    for reason, status in (("", 400), ("  ", 400), ("x" * 201, 400)):
        refused = browser.post(f"{path}/reason", data={**form, "reason": reason})
        assert refused.status_code == status
        assert "Reason=" in refused.text
    assert browser.post(f"{path}/reason", data={"reason": "help"}).status_code == 403
    none = one(f"{place.user}/none.jsonl")
    assert browser.post(f"{none}/reason", data={**form, "reason": "help"}).status_code == 404
    assert len(place.looks()) == before
    said = browser.post(f"{path}/reason", data={**form, "reason": "the sync failed"})
    assert (said.status_code, said.headers["Location"]) == (303, f"{path}?kinds=prompts,answers")
    shown = browser.get(said.headers["Location"])
    assert SECRET in shown.text
    assert [row["params"]["reason"] for row in place.looks()[before:]] == ["the sync failed"]
    assert SECRET in place.get(one(place.first), "reader").text  # it holds for an hour
    assert SECRET in place.get(mine(place.first), "worker").text  # one's own asks for none
    live = browser.post(f"{path}/reason", data={**form, "reason": "again"}, headers=LIVE)
    assert 'class="notice said"' in live.text


def test_the_way_back_leads_nowhere_else(place: Place) -> None:
    browser = place.browsers["reader"]
    page = place.get(one(place.first), "reader").text
    token = re.search(r'name="_xsrf" value="([^"]+)"', page)
    assert token
    form = {"_xsrf": token[1], "reason": "help", "query": "//evil.example/\r\nX: y"}
    said = browser.post(f"{one(place.first)}/reason", data=form)
    assert said.headers["Location"].startswith(f"{one(place.first)}?")
    assert "X" not in said.headers


def test_sessions_are_walked_in_the_list_their_reader_came_from(place: Place) -> None:
    query = f"user_id={place.user}&sort=uploaded_at%3Aasc&kinds=tools"
    page = place.get(one(place.clean, query)).text
    assert "2 of 3" in page
    (before,), (after,) = links(page, "prev"), links(page, "next")
    assert before.partition("?")[0] == one(place.first)
    assert after.partition("?")[0] == one(place.last)
    for at in (before, after):
        assert f"user_id={place.user}" in at
        assert "kinds=tools" in at
    assert f'data-after="{html.escape(after)}#first-finding"' in page
    assert f'data-before="{html.escape(before)}#last-finding"' in page
    assert quote(place.user) in page
    outside = place.get(one(place.clean, "verdict=open")).text
    assert not links(outside, "next")
    assert not links(outside, "prev")


def test_without_a_list_the_sessions_of_the_person_are_walked(place: Place) -> None:
    own = place.get(mine(place.clean), "worker").text
    (before,), (after,) = links(own, "prev"), links(own, "next")
    assert (before, after) == (mine(place.last), mine(place.first))  # the newest first
    shared = place.get(one(place.first, "verdict=clean")).text
    assert not links(shared, "next")  # not in that list


def test_a_walk_goes_through_the_list_as_it_is_shown(place: Place) -> None:
    reader, filter = Reader(place.instance, Principal("x", is_admin=True)), SessionFilter()
    for sort in (f"{key}:{way}" for key in SOME for way in ("asc", "desc")):
        rows = sessions.page(reader, filter, sort=sort, limit=200, offset=0)["rows"]
        files = [row["session_file"] for row in rows]
        bad = [row["session_file"] for row in rows if row["findings"]]
        assert 0 < len(bad) < len(files)
        for at, file in enumerate(files):
            (found,) = reader.ask(queries.walk, reader.seen, filter, sort, Text(file))
            assert found == {
                "place": at,
                "total": len(files),
                "previous": files[at - 1] if at else None,
                "next": files[at + 1] if at + 1 < len(files) else None,
                "found_before": next((one for one in reversed(files[:at]) if one in bad), None),
                "found_after": next((one for one in files[at + 1 :] if one in bad), None),
            }
    (nothing,) = reader.ask(queries.walk, reader.seen, filter, sort, Text("x/none.jsonl"))
    assert nothing["place"] is None


def test_a_session_opens_before_its_index_stands(place: Place) -> None:
    fresh = place.upload("fresh.jsonl", talk("fresh").answer("I look into it").call())
    page = place.get(one(fresh)).text
    assert "I look into it" in page
    assert "The index of this session is being made" in page
    assert "data-again" in page
    assert "Not judged yet" in page
    words = place.get(one(fresh, "find=LOOK")).text
    assert 'data-turns="[1]"' in words
    assert 'data-turns="[]"' in place.get(one(fresh, "find=nowhere")).text
    place.make_index(fresh)
    page = place.get(one(fresh)).text
    assert "index of this session" not in page
    assert page.count('class="cell ') == 4


def test_who_opened_a_session_stands_beside_it(place: Place) -> None:
    place.get(one(place.last), "reader")
    page = place.get(one(place.last)).text
    beside = page[page.index("Opened by") :]
    assert "<b>reader</b>" in beside[: beside.index("</details>")]
    # Who has no right to see the log's rows of others does not learn it here, but for their own.
    own = place.get(mine(place.last), "worker").text
    assert "<b>reader</b>" in own[own.index("Opened by") :]


def test_what_others_wrote_is_text(place: Place) -> None:
    hostile = "<img src=x onerror=alert(1)>"
    owner = place.server.person(hostile)
    bad = talk("bad").call(hostile, {"command": hostile}, error=f"Exit code 1\n{hostile}")
    with place.server.client(place.server.token(owner)) as client:
        given = {"file": ("bad.jsonl", bad.data)}
        file = client.post("/api/upload/sessions", files=given).json()["session_file"]
    drain(place)
    place.make_index(file)
    words = quote(f'"{hostile}')
    for query in ("", f"find={words}", f"kinds={words}", f"q={words}", f"sort={words}"):
        page = place.get(one(file, query))
        assert page.status_code in (200, 400)
        assert html.escape(hostile) in page.text, query
        assert "<img" not in page.text, query
