"""Finished sessions as Arrow: they arrive as they left, and whatever else comes is refused."""

from __future__ import annotations

import random
from datetime import datetime
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.pipeline import PROCESSORS, Finished, Outcome
from ingest.wire import SCHEMA, TABLES, pack, unpack
from schema.errors import BadRequest
from schema.table import Table
from schema.tables import SESSION_VERDICTS, USAGE_SESSION_SUMMARY

TEXTS = st.text(st.characters(codec="utf-8"), max_size=12)
COUNTS = st.integers(-(2**63), 2**63 - 1)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "string": TEXTS,
    "int64": COUNTS,
    "float64": st.floats(allow_nan=False),
    "boolean": st.booleans(),
    "timestamp(6)": st.datetimes(datetime(1970, 1, 1), datetime(9999, 12, 31)),
}


def rows(table: Table) -> st.SearchStrategy[list[dict[str, Any]]]:
    few = (1, 1) if table in (USAGE_SESSION_SUMMARY, SESSION_VERDICTS) else (0, 3)
    columns = {
        name: st.none() | VALUES[kind.removeprefix("!")] for name, kind in table.columns.items()
    }
    return st.lists(st.fixed_dictionaries(columns), min_size=few[0], max_size=few[1])


OUTCOMES = st.builds(Outcome, st.integers(0, 99), items=st.integers(0, 10**6), error=TEXTS)
FINISHED = st.builds(
    Finished,
    session_file=TEXTS,
    fingerprint=TEXTS,
    outcomes=st.dictionaries(st.sampled_from(sorted(PROCESSORS)), OUTCOMES),
    roots=st.lists(TEXTS, max_size=3),
    problems=st.integers(0, 10**9),
    records=st.integers(0, 10**9),
    tables=st.fixed_dictionaries({table.name: rows(table) for table in TABLES}),
)


@given(st.lists(FINISHED, max_size=3))
def test_what_is_packed_arrives_as_it_was(finished: list[Finished]) -> None:
    assert unpack(pack(finished)) == finished


@given(st.binary(max_size=200))
def test_bytes_of_another_kind_are_refused(data: bytes) -> None:
    with pytest.raises(BadRequest, match="no Arrow stream"):
        unpack(data)


GOOD = pack(
    [
        Finished(
            "u/a.jsonl",
            "f",
            {"usage": Outcome(1, 2)},
            ["r"],
            tables={"usage_events": [{"id": "1"}], "usage_session_summary": [{}]},
        ),
        Finished("u/b.jsonl", "g", {"failure_scan": Outcome(1, error="broken")}),
    ]
)


@given(st.integers(0, 2**32))
def test_a_stream_that_was_damaged_is_refused_or_still_holds_sessions(seed: int) -> None:
    drawn, data = random.Random(seed), bytearray(GOOD)
    for _ in range(drawn.randrange(1, 9)):
        data[drawn.randrange(len(data))] = drawn.randrange(256)
    if drawn.random() < 0.3:
        del data[drawn.randrange(len(data)) :]
    try:
        found = unpack(bytes(data))
    except BadRequest:
        return
    assert all(isinstance(one, Finished) for one in found)


def stream(schema: pa.Schema = SCHEMA, **columns: Any) -> bytes:
    """A stream of one row, as another program would write it."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, schema) as writer:
        writer.write_table(pa.Table.from_pylist([ABOUT | columns], schema=schema))
    data: bytes = sink.getvalue().to_pybytes()
    return data


ABOUT = {
    "session_file": "u/a.jsonl",
    "fingerprint": "f",
    "outcomes": [],
    "roots": [],
    "problems": 0,
    "records": 0,
}
USAGE = {"processor": "usage", "version": 1, "items": 1, "error": "broken"}
FINE = {**USAGE, "error": ""}


def test_what_another_program_writes_in_the_right_form_is_taken() -> None:
    assert unpack(stream()) == [Finished("u/a.jsonl", "f", {}, [])]
    (found,) = unpack(stream(outcomes=[FINE], usage_events=[], usage_session_summary=[{}]))
    assert found.outcomes == {"usage": Outcome(1, 1)}


@pytest.mark.parametrize(
    "columns",
    [
        *({name: None} for name in ABOUT),
        {"outcomes": [None]},
        *({"outcomes": [{**USAGE, name: None}]} for name in USAGE),
        {"roots": ["r", None]},
        {"outcomes": [FINE]},
        {"outcomes": [FINE], "usage_events": []},
        {"outcomes": [FINE], "usage_events": [], "usage_session_summary": []},
        {"outcomes": [FINE], "usage_events": [], "usage_session_summary": [{}, {}]},
        {"outcomes": [{**FINE, "processor": "failure_scan"}], "session_verdicts": [{}]},
    ],
)
def test_what_is_no_finished_session_is_refused(columns: dict[str, Any]) -> None:
    with pytest.raises(BadRequest):
        unpack(stream(**columns))


def test_other_columns_are_refused() -> None:
    schema = pa.schema([*SCHEMA, pa.field("more", pa.int64())])
    with pytest.raises(BadRequest, match="other columns"):
        unpack(stream(schema))
