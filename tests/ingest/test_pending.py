"""What waits for whom: fingerprints, the order of work, what is set aside, and what comes back."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console import processing
from ingest import pending, pipeline
from schema.bind import At, Text
from schema.tables import SESSION_FILES, SESSION_PROCESSOR_STATE, SESSION_ROOTS, SESSION_VERDICTS
from schema.transaction import Rows
from tests.ingest.processing_place import BOTH, NOON, Place, later
from tests.transcripts import talk

USERS = ("u", "v")
# Names of which one begins with another, where `.`, `-` and digits come before a colon.
STEMS = ("a", "a.jsonl", "a.jsonl-1", "a.jsonl1", "b")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with Place(tmp_path_factory.mktemp("place")) as place:
        yield place


@pytest.fixture
def place(shared: Place) -> Place:
    return shared.emptied()


@settings(max_examples=25)
@given(seed=st.integers(0, 2**32))
def test_the_database_and_python_make_the_same_fingerprints(shared: Place, seed: int) -> None:
    drawn = random.Random(seed)
    files = [_row(drawn, f"{user}/{stem}.jsonl") for user, stem in product(USERS, STEMS)]
    files = [row for row in files if drawn.random() < 0.8]
    for row in [row for row in files if drawn.random() < 0.5]:
        folder = row["session_file"].removesuffix(".jsonl")
        names = [stem for stem in STEMS if drawn.random() < 0.6]
        paths = (f"{folder}/subagents/agent-{name}.jsonl" for name in names)
        files += [_row(drawn, path, parent=row["session_file"]) for path in paths]
    mains = [row for row in files if row["parent"] is None]
    roots = [
        {"session_file": row["session_file"], "user_id": row["user_id"], "root": root}
        for row in mains
        for root in ("r1", "r2", "r3")
        if drawn.random() < 0.4
    ]
    shared.wipe(SESSION_FILES, SESSION_ROOTS)
    shared.write(Rows(SESSION_FILES, files), Rows(SESSION_ROOTS, roots))
    found = {row["session_file"]: row for row in shared.store.rows(pending.sessions)}
    assert sorted(found) == sorted(row["session_file"] for row in mains)
    for row in mains:
        key = Text(row["session_file"])
        made = pending.fingerprint(
            row["sha256"],
            shared.store.rows(pending.subagents_of, key),
            earlier := shared.store.rows(pending.earlier_of, key),
        )
        assert found[row["session_file"]]["fingerprint"] == made
        assert [one["session_file"] for one in earlier] == _earlier(row, mains, roots)


def _row(drawn: random.Random, key: str, parent: str | None = None) -> dict[str, Any]:
    at = NOON + timedelta(seconds=drawn.randrange(3))  # several arrive at once
    return {
        "session_file": key,
        "user_id": key.partition("/")[0],
        "parent": parent,
        "bytes": 1,
        "sha256": f"{drawn.randrange(16**8):08x}",
        "uploaded_at": at,
        "first_uploaded_at": at,
    }


def _earlier(row: dict[str, Any], mains: list[Any], roots: list[Any]) -> list[str]:
    """The files of the same person that share a root and arrived before."""
    mine = {one["root"] for one in roots if one["session_file"] == row["session_file"]}
    arrived = row["first_uploaded_at"], row["session_file"]
    return sorted(
        other["session_file"]
        for other in mains
        if other["user_id"] == row["user_id"]
        and (other["first_uploaded_at"], other["session_file"]) < arrived
        and any(
            one["root"] in mine for one in roots if one["session_file"] == other["session_file"]
        )
    )


def test_whatever_a_session_is_made_of_makes_it_due_again(place: Place) -> None:
    me, other = place.user(), place.user()
    said = talk().call()
    first = place.upload(me, "a.jsonl", said)
    place.upload(other, "a.jsonl", said)
    place.run()
    assert place.due() == []
    place.upload(me, "a.jsonl", said)  # the same bytes
    assert place.due() == []
    place.upload(me, "a.jsonl", longer := said.call())
    assert place.due() == [first]
    place.run()
    place.upload(me, "agent-1.jsonl", replace(talk(), agent="1").call(), parent="a.jsonl")
    assert place.due() == [first]
    place.run()
    copy = place.upload(me, "b.jsonl", longer.call())
    place.run()
    place.upload(me, "a.jsonl", longer.answer())  # the copy repeats it
    assert sorted(place.due()) == [first, copy]
    place.run()
    assert place.due() == []


def test_new_sessions_come_before_those_that_failed_and_in_the_order_of_arrival(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    me = place.user()
    broken = place.upload(me, "a.jsonl", talk())
    _break(monkeypatch, broken, times=1)
    place.run(cap=1)
    rest = [place.upload(me, f"{name}.jsonl", talk(name)) for name in "zxy"]
    assert place.due() == [*rest, broken]


def test_a_session_that_failed_three_times_is_set_aside_until_it_changes(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    me = place.user()
    broken, fine = place.upload(me, "a.jsonl", talk()), place.upload(me, "b.jsonl", talk("b"))
    _break(monkeypatch, broken)
    place.run(cap=2)
    place.run(cap=1)
    assert (place.due("usage"), place.due("failure_scan")) == ([broken], []), "others go on"
    place.run()
    (state,) = place.rows(SESSION_PROCESSOR_STATE, session_file=broken, processor_name="usage")
    assert (state["attempts"], state["error"]) == (3, "ValueError while the session was read")
    assert place.due() == []
    assert _tally(place, "usage") == {"scanned": 2, "due": 0, "set_aside": 1}
    assert _tally(place, "failure_scan") == {"scanned": 2, "due": 0, "set_aside": 0}
    place.upload(me, "a.jsonl", talk().call())
    assert place.due() == [broken]
    assert _tally(place, "usage")["set_aside"] == 0
    monkeypatch.undo()
    place.run()
    states = place.rows(SESSION_PROCESSOR_STATE)
    assert {row["error"] for row in states} == {None}
    assert sorted(row["session_file"] for row in states) == sorted([broken, fine] * 2)


def test_a_new_version_gives_a_session_that_was_set_aside_three_more_tries(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = place.upload(place.user(), "a.jsonl", talk())
    _break(monkeypatch, broken)
    place.run()
    assert place.due() == [broken], "a run tries each session once"
    for _ in range(2):
        place.run()
    assert place.due() == []
    newer = replace(pipeline.PROCESSORS["usage"], version=2)
    monkeypatch.setitem(pipeline.PROCESSORS, "usage", newer)
    place.run(cap=1)
    place.run(cap=1)
    assert place.due() == [broken]
    place.run(cap=1)
    assert place.due() == []


def test_a_new_version_makes_everything_due(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    me = place.user()
    files = [place.upload(me, f"{name}.jsonl", talk(name)) for name in "ab"]
    place.run()
    newer = replace(pipeline.PROCESSORS["usage"], version=2)
    monkeypatch.setitem(pipeline.PROCESSORS, "usage", newer)
    assert (place.due("usage"), place.due("failure_scan")) == (files, [])


def test_an_open_session_comes_back_once_when_it_can_be_judged(place: Place) -> None:
    key = place.upload(place.user(), "a.jsonl", talk("a", NOON - timedelta(minutes=10)).asks())
    place.run()
    (verdict,) = place.rows(SESSION_VERDICTS)
    assert verdict["verdict"] == "open"
    until: datetime = verdict["open_until"]
    assert NOON < until < NOON + timedelta(minutes=30)
    place.now = until - timedelta(seconds=1)
    assert place.due("failure_scan") == []
    place.now = until
    assert (place.due("failure_scan"), place.due("usage")) == ([key], [])
    report = place.run("failure_scan")
    assert (report.processed, len(report.sessions)) == (1, 1)
    (verdict,) = place.rows(SESSION_VERDICTS)
    assert (verdict["verdict"], verdict["open_until"]) == ("failed", None)
    later(place, days=30)
    assert place.due("failure_scan") == []


def test_an_open_session_comes_back_also_when_its_moment_passed_before_its_commit(
    place: Place,
) -> None:
    key = place.upload(place.user(), "a.jsonl", talk("a", NOON - timedelta(minutes=29)).asks())

    def slow(step: str) -> None:
        if step.endswith("commit"):
            later(place, minutes=5)

    place.kernel(hook=slow).run(cap=1)
    assert place.rows(SESSION_VERDICTS)[0]["verdict"] == "open"
    assert place.due("failure_scan") == [key]
    place.run()
    assert place.rows(SESSION_VERDICTS)[0]["verdict"] == "failed"


def test_the_tally_agrees_with_what_is_due(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    me = place.user()
    files = [place.upload(me, f"{name}.jsonl", talk(name)) for name in "abcd"]
    _break(monkeypatch, files[0])
    for cap in (1, 2, 1, 500):
        place.run("usage", cap=cap)
        for name in BOTH:
            assert _tally(place, name)["due"] == len(place.due(name))
            assert _tally(place, name)["scanned"] == 4
    assert processing.tally(place.store, BOTH)["due"] == 4


def _tally(place: Place, name: str) -> dict[str, Any]:
    (row,) = place.store.rows(pending.tally, name, pipeline.PROCESSORS[name].version, At(place.now))
    return row


def _break(patch: pytest.MonkeyPatch, key: str, times: int = 99) -> None:
    """Usage fails on this session, so often."""
    whole = pipeline.PROCESSORS["usage"]
    left = [times]

    def process(digest: Any, session: Any, now: datetime) -> pipeline.ProcessorResult:
        if session.session_file == key and left[0]:
            left[0] -= 1
            raise ValueError("a secret of the transcript")
        return whole.process_session(digest, session, now)

    patch.setitem(pipeline.PROCESSORS, "usage", replace(whole, process_session=process))
