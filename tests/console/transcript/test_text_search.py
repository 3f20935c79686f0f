"""Searching in what was said: what is found, by whom, and that no text can break it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from console import palette
from console.sessions import Reader
from console.transcript import text_search
from console.transcript.index_worker import IndexWorker
from ingest.session_files import target
from ingest.text_index import FILE
from ingest.uploads import MB, Receiver
from schema.errors import NotFound
from schema.policy import Principal
from schema.table import rows_of
from schema.tables import AUDIT_LOG, TRANSCRIPT_SEARCH
from schema.transaction import Rows
from tests.transcripts import Transcript
from tests.whole_server import WholeServer

PATH = "/api/admin/sessions/search"
HOSTILE = "<img src=x onerror=alert(1)> pelican"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeServer]:
    with WholeServer(tmp_path_factory.mktemp("search") / "data") as server:
        yield server


@pytest.fixture(scope="module")
def people(server: WholeServer) -> dict[str, str]:
    ids = {
        "admin": server.person("root", is_admin=True),
        "ana": server.person("ana"),
        "sol": server.person("sol", "sessions"),
    }
    talk = (
        Transcript().prompt("a pelican, then").answer(HOSTILE).answer("pelican").answer("pelican")
    )
    _upload(server, ids["ana"], "talk.jsonl", talk.data)
    _upload(server, ids["sol"], "mine.jsonl", Transcript().prompt("one pelican").data)
    asyncio.run(_indexed(server))
    return ids


def _upload(server: WholeServer, user: str, name: str, data: bytes) -> None:
    receiver = Receiver(server.instance.settings.folder, user, name, limit=MB)
    receiver.write(data)
    where = target(user, name)
    receiver.commit(server.instance.store, where, lambda *_: Rows(TRANSCRIPT_SEARCH, []))


async def _indexed(server: WholeServer) -> None:
    worker, root = IndexWorker(server.instance), reader(server, "root", is_admin=True)
    worker.start()
    async with asyncio.timeout(60):
        while text_search.tally(root)["waiting"]:  # noqa: ASYNC110 (another process does it)
            await asyncio.sleep(0.05)
    await worker.stop()


@pytest.fixture(scope="module")
def admin(server: WholeServer, people: dict[str, str]) -> Iterator[httpx.Client]:
    with server.client(server.token(people["admin"])) as client:
        yield client


def ask(client: httpx.Client, **parameters: Any) -> dict[str, Any]:
    answer = client.get(PATH, params=parameters)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def reader(server: WholeServer, user: str, **rights: Any) -> Reader:
    return Reader(server.instance, Principal(user, **rights))


def test_lines_come_with_their_hits_the_newest_session_first(
    admin: httpx.Client, people: dict[str, str]
) -> None:
    found = ask(admin, q="pelican")
    owners = [row["user_email"] for row in found["rows"]]
    assert owners == ["sol@example.org", *["ana@example.org"] * 3]
    assert [row["turn"] for row in found["rows"]] == [0, 0, 1, 2]
    assert (found["total"], found["hits"], found["sessions"]) == (4, 5, 2)
    assert (found["indexed"], found["waiting"], found["truncated"]) == (2, 0, False)
    row = found["rows"][2]
    assert "".join(text for text, _ in row["parts"]) == HOSTILE
    assert row["parts"][-1] == ["pelican", True]
    assert (row["kind"], row["role"], row["ts"]) == ("text", "assistant", "2026-05-20T09:00:01Z")


def test_one_session_gives_all_of_its_lines(admin: httpx.Client, people: dict[str, str]) -> None:
    key = f"{people['ana']}/talk.jsonl"
    found = ask(admin, q="pelican", session_file=key)
    assert [row["turn"] for row in found["rows"]] == [0, 1, 2, 3]
    second = ask(admin, q="pelican", session_file=key, limit=3, offset=3)
    assert [row["turn"] for row in second["rows"]] == [3]
    assert second["next_offset"] is None


def test_the_filter_of_the_list_narrows_it(admin: httpx.Client, people: dict[str, str]) -> None:
    assert ask(admin, q="pelican", user_id=people["sol"])["sessions"] == 1
    assert ask(admin, q="pelican", since_minutes=5)["sessions"] == 2
    assert ask(admin, q="pelican", until="2020-01-01T00:00:00Z", since_minutes=5)["sessions"] == 0
    listed = admin.get("/api/admin/sessions/list", params={"q": "pelican then"}).json()
    assert [row["session_file"] for row in listed["rows"]] == [f"{people['ana']}/talk.jsonl"]


def test_everybody_finds_only_what_they_may_see(
    server: WholeServer, people: dict[str, str]
) -> None:
    ana, sol = people["ana"], people["sol"]
    both = frozenset({f"{ana}/talk.jsonl", f"{sol}/mine.jsonl"})
    mine = reader(server, ana)
    assert text_search.matching(mine, "pelican") == frozenset({f"{ana}/talk.jsonl"})
    assert text_search.search(mine, "pelican")["sessions"] == 1
    assert text_search.tally(mine) == {"indexed": 1, "waiting": 0}
    assert set(text_search.snippets(mine, "pelican", both)) == {f"{ana}/talk.jsonl"}
    with pytest.raises(NotFound):
        text_search.in_session(mine, f"{sol}/mine.jsonl", "pelican")
    with pytest.raises(NotFound):
        text_search.search(mine, "pelican", session_file=f"{sol}/mine.jsonl")
    granted = reader(server, sol, surfaces=frozenset({"sessions"}))
    assert text_search.matching(granted, "pelican") == both
    assert text_search.matching(reader(server, "nobody"), "pelican") == frozenset()
    assert text_search.matching(granted, "--") is None


def test_the_palette_opens_a_session_where_the_words_stand(
    server: WholeServer, people: dict[str, str]
) -> None:
    """As far as one may see it; a name that matches comes before a text that does."""
    ana, sol = people["ana"], people["sol"]

    def found(user: str, text: str, *surfaces: str) -> list[tuple[str, str]]:
        me = Principal(user, surfaces=frozenset(surfaces))
        rows = palette.found(server.instance, me, text, 20, 0).rows
        return [
            (one.href, one.detail.rpartition(" · ")[2]) for one in rows if one.kind == "session"
        ]

    mine, others = f"/admin/sessions/{sol}/mine.jsonl", f"/admin/sessions/{ana}/talk.jsonl"
    assert found(sol, "one pelican", "sessions") == [
        (f"{mine}?find=one+pelican#t0", "1 in its text")
    ]
    assert found(ana, "Pelican") == [("/me/sessions/talk.jsonl?find=pelican#t0", "4 in its text")]
    assert [href for href, _ in found(sol, "talk", "sessions")] == [others]
    assert found("nobody", "pelican") == []
    assert found(sol, "pe", "sessions") == [], "two letters begin too many words"


def test_find_in_one_session(server: WholeServer, people: dict[str, str]) -> None:
    found = text_search.in_session(
        reader(server, people["ana"]), f"{people['ana']}/talk.jsonl", "pelican"
    )
    assert found == {"turns": [0, 1, 2, 3], "truncated": False, "indexed": True}


def test_no_text_breaks_it(admin: httpx.Client) -> None:
    @given(st.text(max_size=200))
    def asked(q: str) -> None:
        try:
            q.encode()
        except UnicodeEncodeError:
            return
        assert admin.get(PATH, params={"q": q}).status_code in (200, 400)

    asked()
    for q in ('"', 'NEAR("a" b, 2)', "text : *", "a AND", "-", "pelican*", "x" * 513, "%00"):
        assert admin.get(PATH, params={"q": q}).status_code in (200, 400)


def test_what_is_wrong_is_named(admin: httpx.Client) -> None:
    wrong: list[dict[str, str]] = [{}, {"q": "a", "limit": "0"}, {"q": "a", "color": "red"}]
    for parameters in wrong:
        answer = admin.get(PATH, params=parameters)
        assert answer.status_code == 400
        assert answer.json()["error"]


def test_a_search_stands_in_the_log(server: WholeServer, admin: httpx.Client) -> None:
    ask(admin, q="a search to be read of")
    log = server.instance.store.read(rows_of(AUDIT_LOG)).to_pylist()
    rows = [row["params"] for row in log if "a search to be read of" in (row["params"] or "")]
    assert len(rows) == 1
    assert '"endpoint":"search"' in rows[0]


def test_without_an_index_nothing_is_found_and_nothing_fails(tmp_path: Any) -> None:
    with WholeServer(tmp_path / "data") as server:
        root = reader(server, "root", is_admin=True)
        assert text_search.search(root, "pelican")["rows"] == []
        assert text_search.matching(root, "pelican") == frozenset()
        (server.instance.settings.folder / FILE).write_bytes(b"damaged " * 1000)
        assert text_search.matching(root, "heron") == frozenset()
