"""Rows put in their place: whose they are, when they are refused, and what each commit touches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from ingest import pending
from ingest.commit import Receipt, commit
from ingest.pipeline import PROCESSORS, Files, Finished, Outcome, Tables, failed, process
from ingest.usage import Session
from ingest.wire import pack, unpack
from schema.bind import Text
from schema.tables import (
    ROLLUP_DAYS,
    SESSION_FINDINGS,
    SESSION_PROCESSOR_STATE,
    SESSION_ROOTS,
    SESSION_VERDICTS,
    USAGE_EVENTS,
    USAGE_SESSION_SUMMARY,
)
from tests.ingest.processing_place import BOTH, NOON, Place
from tests.transcripts import DAY, Transcript, talk

FAILED = "Exit code 1\nno such file"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with Place(tmp_path_factory.mktemp("place")) as place:
        yield place


@pytest.fixture
def place(shared: Place) -> Place:
    return shared.emptied()


def read(place: Place, key: str, *names: str) -> Finished:
    """What a kernel makes of a session as it stands now."""
    session = place.store.rows(pending.session, Text(key))[0]
    subs, earlier = (
        place.store.rows(question, Text(key))
        for question in (pending.subagents_of, pending.earlier_of)
    )
    root = place.folder / "sessions"
    files = Files(
        root / key, *([root / row["session_file"] for row in rows] for rows in (subs, earlier))
    )
    about = Session(key, session["user_id"], session["username"], session["first_uploaded_at"])
    made = pending.fingerprint(session["sha256"], subs, earlier)
    return process(about, files, names or BOTH, fingerprint=made, now=place.now)


def put(place: Place, done: Finished, horizon: datetime | None = None) -> Receipt:
    (travelled,) = unpack(pack([done]))
    receipt: Receipt = place.write(
        lambda transaction: commit(transaction, travelled, at=place.now, horizon=horizon)
    )
    return receipt


def days(place: Place) -> list[date]:
    return sorted(row["day"] for row in place.rows(ROLLUP_DAYS))


def test_whose_rows_they_are_is_said_by_the_file_alone(place: Place) -> None:
    me, other = place.user("me@example.org"), place.user("other@example.org")
    key = place.upload(me, "a.jsonl", talk().call(error=FAILED).answer())
    theirs = place.upload(other, "a.jsonl", talk())
    done = read(place, key)
    strange = {
        "user_id": other,
        "username": "other@example.org",
        "session_file": theirs,
        "processor_version": 99,
        "uploaded_at": DAY,
        "extracted_at": DAY,
    }
    tables: Tables = {
        name: [{**row, **strange} for row in rows] for name, rows in done.tables.items()
    }
    assert put(place, replace(done, tables=tables)).status == "committed"
    for table in (USAGE_EVENTS, USAGE_SESSION_SUMMARY, SESSION_FINDINGS, SESSION_VERDICTS):
        (row,) = place.rows(table)
        assert (row["user_id"], row["session_file"]) == (me, key)
        assert row["processor_version"] == 1
        assert row.get("username", "me@example.org") in ("me@example.org", None)
    (summary,) = place.rows(USAGE_SESSION_SUMMARY)
    assert summary["uploaded_at"] not in (DAY, None)
    assert summary["username"] == "me@example.org"
    assert {row["user_id"] for row in place.rows(SESSION_PROCESSOR_STATE)} == {me}
    assert {row["user_id"] for row in place.rows(SESSION_ROOTS)} == {me}


def test_rows_of_other_bytes_than_those_that_stand_change_nothing(place: Place) -> None:
    me = place.user()
    key = place.upload(me, "a.jsonl", said := talk().call())
    place.run()
    place.roll_up()
    old = read(place, key)
    before = place.made()
    place.upload(me, "a.jsonl", said.call())
    assert put(place, old) == Receipt(key, "stale")
    assert place.made() == before
    assert place.due() == [key]


def test_a_subagent_that_came_while_its_session_was_read_makes_the_rows_stale(place: Place) -> None:
    me = place.user()
    key = place.upload(me, "a.jsonl", talk().call().answer())
    old = read(place, key)
    place.upload(me, "agent-1.jsonl", replace(talk(), agent="1").call(), parent="a.jsonl")
    assert put(place, old).status == "stale"
    assert put(place, read(place, key)) == Receipt(key, "committed", 2)


def test_a_session_that_nobody_uploaded_and_a_subagent_are_gone(place: Place) -> None:
    me = place.user()
    key = place.upload(me, "a.jsonl", talk().call())
    agent = place.upload(me, "agent-1.jsonl", talk().call(), parent="a.jsonl")
    done = read(place, key)
    for other in (f"{me}/none.jsonl", agent):
        assert put(place, replace(done, session_file=other)) == Receipt(other, "gone")
    assert place.rows(USAGE_EVENTS) == []


def test_usage_keeps_findings_and_verdict_and_the_scan_writes_them(place: Place) -> None:
    key = place.upload(place.user(), "a.jsonl", talk().call(error=FAILED))

    def summary() -> tuple[Any, ...]:
        (row,) = place.rows(USAGE_SESSION_SUMMARY)
        return row["tool_calls"], row["findings"], row["verdict"]

    put(place, read(place, key, "usage"))
    assert summary() == (1, None, None)
    put(place, read(place, key, "failure_scan"))
    assert summary() == (1, 2, "failed")
    put(place, read(place, key, "usage"))
    assert summary() == (1, 2, "failed")
    place.wipe()
    put(place, read(place, key, "failure_scan"))
    assert place.rows(USAGE_SESSION_SUMMARY) == []
    put(place, read(place, key, "usage"))
    assert summary() == (1, 2, "failed")


def test_one_processor_that_fails_leaves_its_old_rows_and_the_others_new_ones(place: Place) -> None:
    me = place.user()
    key = place.upload(me, "a.jsonl", said := talk().call(error=FAILED))
    place.run()
    place.upload(me, "a.jsonl", said.call().call())
    done = read(place, key)
    outcomes = {**done.outcomes, "failure_scan": Outcome(1, error="ValueError")}
    tables = {name: rows for name, rows in done.tables.items() if name.startswith("usage")}
    put(place, replace(done, outcomes=outcomes, tables=tables))
    assert len(place.rows(USAGE_EVENTS)) == 3
    assert [row["verdict"] for row in place.rows(SESSION_VERDICTS)] == ["failed"]
    assert (place.due("usage"), place.due("failure_scan")) == ([], [key])


def test_files_that_cannot_be_read_leave_all_as_it_was_but_the_count_of_tries(place: Place) -> None:
    key = place.upload(place.user(), "a.jsonl", talk().call())
    place.run()
    made = place.made()
    done = failed(key, read(place, key).fingerprint, BOTH, "it is not in its place")
    for tried in (1, 2, 3):
        assert put(place, done).status == "committed"
        states = place.rows(SESSION_PROCESSOR_STATE)
        assert [row["attempts"] for row in states] == [tried, tried]
        assert {row["error"] for row in states} == {"it is not in its place"}
    after = place.made()
    assert {name: rows for name, rows in after.items() if name != "session_processor_state"} == {
        name: rows for name, rows in made.items() if name != "session_processor_state"
    }


def test_a_session_replaces_its_own_rows_and_keeps_their_ids(place: Place) -> None:
    me = place.user()
    key = place.upload(me, "a.jsonl", said := talk().call().slash("/clear").skill("p:x"))
    place.run()
    first = [row["id"] for row in place.rows(USAGE_EVENTS)]
    assert len(set(first)) == 3
    put(place, read(place, key))
    assert sorted(row["id"] for row in place.rows(USAGE_EVENTS)) == sorted(first)
    place.upload(me, "a.jsonl", said.call())
    place.run()
    grown = [row["id"] for row in place.rows(USAGE_EVENTS)]
    assert set(first) < set(grown)
    assert len(grown) == 4
    place.upload(me, "a.jsonl", talk("new"))
    place.run()
    assert place.rows(USAGE_EVENTS) == []


@pytest.mark.parametrize("session", [None, "forked"])
@pytest.mark.parametrize("read_first", ["the original", "the copy"])
def test_a_record_that_was_copied_is_counted_once(
    place: Place, session: str | None, read_first: str
) -> None:
    me = place.user()
    old = talk().call().call(error=FAILED)
    whole = old.copy(session).later(hours=1).call()
    first = place.upload(me, "old.jsonl", old)
    if read_first == "the original":
        place.run()
    copy = place.upload(me, "new.jsonl", whole)
    if read_first == "the copy":
        put(place, read(place, copy))
    place.run()
    place.run()
    events = place.rows(USAGE_EVENTS)
    assert sorted(row["session_file"] for row in events) == [copy, first, first]
    assert len({row["id"] for row in events}) == 3
    calls = {row["session_file"]: row["tool_calls"] for row in place.rows(USAGE_SESSION_SUMMARY)}
    assert calls == {first: 2, copy: 1}
    (error,) = place.rows(SESSION_FINDINGS, finding_type="tool_error")
    assert error["session_file"] == first
    assert place.due() == []


def test_the_file_that_came_first_owns_a_record_also_after_it_came_again(place: Place) -> None:
    me = place.user()
    old = talk().call()
    first = place.upload(me, "z.jsonl", old)
    copy = place.upload(me, "a.jsonl", old.copy().call())
    place.run()
    place.upload(me, "z.jsonl", old.answer())
    place.run()
    owners = sorted(row["session_file"] for row in place.rows(USAGE_EVENTS))
    assert owners == sorted([first, copy])


def test_what_others_send_under_the_same_id_is_never_merged(place: Place) -> None:
    mine, theirs = place.user(), place.user()
    said = talk("the same").call()
    keys = [place.upload(user, "a.jsonl", said) for user in (mine, theirs)]
    place.run()
    place.run()
    for user, key in zip((mine, theirs), keys, strict=True):
        (event,) = place.rows(USAGE_EVENTS, user_id=user)
        (summary,) = place.rows(USAGE_SESSION_SUMMARY, user_id=user)
        assert event["session_file"] == summary["session_file"] == key
        assert summary["tool_calls"] == 1


def test_exactly_the_days_of_the_old_and_the_new_events_are_marked(place: Place) -> None:
    me = place.user()
    other = place.upload(me, "b.jsonl", talk("b", DAY - timedelta(days=9)).call())
    key = place.upload(me, "a.jsonl", talk("a", DAY).call().later(days=2).call())
    put(place, read(place, other))
    place.roll_up()
    put(place, read(place, key))
    assert days(place) == [DAY.date(), DAY.date() + timedelta(days=2)]
    put(place, read(place, key))
    assert len(days(place)) == 2, "a day is marked once"
    place.roll_up()
    place.upload(me, "a.jsonl", talk("a", DAY + timedelta(days=5)).call())
    put(place, read(place, key))
    assert days(place) == [DAY.date() + timedelta(days=n) for n in (0, 2, 5)]
    place.roll_up()
    put(place, read(place, key, "failure_scan"))
    assert days(place) == []


def test_events_and_days_before_the_horizon_stay_pruned(place: Place) -> None:
    said = talk("a", DAY).call().later(days=1).call()
    key = place.upload(place.user(), "a.jsonl", said)
    horizon = datetime.combine(DAY.date() + timedelta(days=1), datetime.min.time())
    put(place, read(place, key), horizon)
    assert [row["occurred_at"].date() for row in place.rows(USAGE_EVENTS)] == [horizon.date()]
    assert days(place) == [horizon.date()]
    assert place.rows(USAGE_SESSION_SUMMARY)[0]["tool_calls"] == 2


@pytest.mark.parametrize("name", PROCESSORS)
def test_a_commit_that_breaks_half_way_leaves_nothing(
    place: Place, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    me = place.user()
    key = place.upload(me, "a.jsonl", said := talk().call())
    place.run()
    place.upload(me, "a.jsonl", said.call(error=FAILED))
    done, before = read(place, key), place.made()
    whole = PROCESSORS[name]

    def note(transaction: Any, session: Any, processor: str, *rest: Any) -> None:
        if processor == whole.name:
            raise OSError("the machine is going down")

    monkeypatch.setattr("ingest.commit._note", note)
    with pytest.raises(OSError, match="going down"):
        put(place, done)
    assert place.made() == before
    monkeypatch.undo()
    assert put(place, done).status == "committed"
    assert place.due() == []


def test_no_more_roots_are_kept_than_help(place: Place) -> None:
    said = Transcript("a", NOON - timedelta(days=1))
    for _ in range(1_100):
        said = replace(said.prompt(), records=(*said.records, said.prompt().records[-1]))
    records = [{**record, "parentUuid": None} for record in said.records]
    key = place.upload(place.user(), "a.jsonl", replace(said, records=records))
    assert put(place, read(place, key)).status == "committed"
    assert len(place.rows(SESSION_ROOTS)) == 1_000
