"""Sessions that no processor has read yet are known beforehand: a shorter way to the same rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from console import session_reader, sessions
from console.audit import now
from console.queries.session_facets import kpis
from console.queries.sessions import SessionFilter, SessionsSeen, counted
from console.sessions import Reader
from schema.policy import Principal
from schema.tables import SESSION_FILES, SESSION_FINDINGS, USAGE_SESSION_SUMMARY
from schema.transaction import Rows
from tests.console.access_world import World
from tests.console.sessions_place import fill

ALL = SessionFilter()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with World(tmp_path / "data") as world:
        fill(world)
        yield world


def reader(world: World, user: str = "root", *, is_admin: bool = True) -> Reader:
    return Reader(world.instance, Principal(user, is_admin=is_admin))


def keys(world: World, seen: SessionsSeen) -> set[tuple[str, bool, int]]:
    rows = world.store.read(seen.rows()).to_pylist()
    found = [(row["session_file"], row["processed"], row["findings"]) for row in rows]
    assert len(found) == len(set(found))
    return set(found)


def waiting(world: World) -> tuple[str, ...]:
    rows = world.store.read(SessionsSeen.by(Principal("root", is_admin=True)).rows()).to_pylist()
    return tuple(row["session_file"] for row in rows if not row["processed"])


def test_both_ways_give_the_same_rows_to_everybody(world: World) -> None:
    """Also the findings of a session that only the failure scan has read."""
    known = waiting(world)
    assert len(known) == 2
    owner = known[0].partition("/")[0]
    found = {"id": "f1", "session_file": known[0], "user_id": owner, "finding_type": "loop"}
    more = {"subtype": "exec", "severity": "info", "count": 1, "detected_at": now()}
    world.store.write(
        Rows(SESSION_FINDINGS, [{**found, **more, "turn_index": 1, "line_no": 1}])
    ).result()
    people = (Principal("root", is_admin=True), Principal(owner), Principal("nobody"))
    seen = [keys(world, SessionsSeen.by(me)) for me in people]
    assert [len(rows) for rows in seen] == [14, 8, 0]
    assert (known[0], False, 1) in seen[0]
    assert [keys(world, SessionsSeen.by(me, unread=known)) for me in people] == seen
    for me, rows in zip(people, seen, strict=True):
        bound = world.store.rows(counted, SessionsSeen.by(me, unread=known), ALL)
        assert bound == [{"total": len(rows)}]


def test_one_that_was_processed_meanwhile_stands_there_once(world: World) -> None:
    everybody, known = Principal("root", is_admin=True), waiting(world)
    owner = known[0].partition("/")[0]
    summary = {"session_file": known[0], "user_id": owner, "uploaded_at": now(), "tool_calls": 1}
    zero = dict.fromkeys(("tool_errors", "findings", "input_tokens", "output_tokens"), 0)
    row = {**summary, **zero, "extracted_at": now()}
    world.store.write(Rows(USAGE_SESSION_SUMMARY, [row])).result()
    late = keys(world, SessionsSeen.by(everybody, unread=known))
    assert late == keys(world, SessionsSeen.by(everybody))
    assert (known[0], True, 0) in late


def test_what_arrives_is_seen_by_the_next_question(world: World) -> None:
    me = reader(world)
    before = sessions.kpis(me, sessions.filter_of({}, now=now()))["sessions_total"]
    owner = waiting(world)[0].partition("/")[0]
    arrived = {"session_file": f"{owner}/just-now.jsonl", "user_id": owner, "indexed": False}
    times = dict.fromkeys(("uploaded_at", "first_uploaded_at"), now())
    row = {**arrived, **times, "bytes": 5, "sha256": "0" * 64}
    world.store.write(Rows(SESSION_FILES, [row])).result()
    filter = sessions.filter_of({}, now=now())
    assert sessions.kpis(me, filter)["sessions_total"] == before + 1
    listed = sessions.page(me, filter, sort="uploaded_at:desc", limit=200, offset=0)
    assert f"{owner}/just-now.jsonl" in {row["session_file"] for row in listed["rows"]}


def test_many_are_not_listed_and_still_found(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_reader, "_MOST", 1)
    me = reader(world)
    assert me.seen_for(ALL).unread is None
    assert world.store.rows(kpis, me.seen_for(ALL), ALL)[0]["sessions_total"] == 14


def test_a_filter_that_no_unread_session_can_match_does_not_look_for_them(world: World) -> None:
    failed = SessionFilter(terms={"verdict": "failed"})
    assert not failed.meets_waiting
    assert reader(world).seen_for(failed).unread == ()
    assert set(reader(world).seen_for(ALL).unread) == set(waiting(world))
