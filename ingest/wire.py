"""Finished sessions as Arrow: how a kernel hands them to the server.

One row a session. The rows for each table are a list of structs, so that everything a session needs
for its one transaction travels together.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

import pyarrow as pa

from ingest.pipeline import Finished, Outcome
from schema.errors import BadRequest
from schema.table import Table
from schema.tables import SESSION_FINDINGS, SESSION_VERDICTS, USAGE_EVENTS, USAGE_SESSION_SUMMARY
from schema.transaction import arrow_schema

# What a processor that went well brings rows for.
MAKES = {
    "usage": {USAGE_EVENTS.name, USAGE_SESSION_SUMMARY.name},
    "failure_scan": {SESSION_FINDINGS.name, SESSION_VERDICTS.name},
}
TABLES = (USAGE_EVENTS, USAGE_SESSION_SUMMARY, SESSION_FINDINGS, SESSION_VERDICTS)
_OUTCOME = {
    "processor": pa.string(),
    "version": pa.int64(),
    "items": pa.int64(),
    "error": pa.string(),
}
_ABOUT = {
    "session_file": pa.string(),
    "fingerprint": pa.string(),
    "outcomes": pa.list_(pa.struct(list(_OUTCOME.items()))),
    "roots": pa.list_(pa.string()),
    "problems": pa.int64(),
    "records": pa.int64(),
}
SCHEMA = pa.schema(
    [
        *_ABOUT.items(),
        *(pa.field(one.name, pa.list_(pa.struct(list(arrow_schema(one))))) for one in TABLES),
    ]
)


def pack(finished: Sequence[Finished]) -> bytes:
    """An Arrow IPC stream with one row for each session."""
    about = [
        {**{name: getattr(one, name) for name in _ABOUT}, "outcomes": _told(one)}
        for one in finished
    ]
    columns = [pa.array([row[name] for row in about], kind) for name, kind in _ABOUT.items()]
    columns += [_listed(table, finished) for table in TABLES]
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, SCHEMA) as writer:
        writer.write_table(pa.table(columns, schema=SCHEMA))
    data: bytes = sink.getvalue().to_pybytes()
    return data


def _listed(table: Table, finished: Sequence[Finished]) -> pa.Array:
    """The rows for one table, a list for each session, null where it brings none. Made column by
    column: whole rows at once would take four times the memory."""
    offsets: list[int | None] = []
    rows: list[Any] = []
    for one in finished:
        some = one.tables.get(table.name)
        offsets.append(None if some is None else len(rows))
        rows += some or ()
    schema = arrow_schema(table)
    arrays = [pa.array([row.get(field.name) for row in rows], field.type) for field in schema]
    values = pa.StructArray.from_arrays(arrays, fields=list(schema))
    return pa.ListArray.from_arrays(pa.array([*offsets, len(rows)], pa.int32()), values)


def unpack(data: bytes) -> list[Finished]:
    """What `pack` made. Raises BadRequest for anything else."""
    try:
        with pa.ipc.open_stream(data) as reader:
            table = reader.read_all()
        table.validate(full=True)
        if not table.schema.equals(SCHEMA):
            raise BadRequest("the Arrow stream has other columns than finished sessions have")
        return [_finished(row) for row in table.to_pylist()]
    except (pa.ArrowException, ValueError, OSError) as error:
        raise BadRequest(f"the body is no Arrow stream of finished sessions: {error}") from None


def _told(one: Finished) -> list[dict[str, Any]]:
    return [{"processor": name, **asdict(outcome)} for name, outcome in one.outcomes.items()]


def _finished(row: dict[str, Any]) -> Finished:
    about = {name: row.pop(name) for name in _ABOUT}
    told = about.pop("outcomes")
    tables = {name: rows for name, rows in row.items() if rows is not None}
    if _lacks(about.values()) or _lacks(told) or _lacks(about["roots"]):
        raise BadRequest("a finished session has no null in what is said about it")
    outcomes: dict[str, Outcome] = {}
    for one in told:
        if _lacks(one.values()):
            raise BadRequest(f"an outcome of {about['session_file']} has a null")
        name = one.pop("processor")
        outcomes[name] = Outcome(**one)
        if not one["error"] and not MAKES.get(name, set()) <= tables.keys():
            raise BadRequest(f"{about['session_file']} brings no rows of {name}")
    for table in (USAGE_SESSION_SUMMARY, SESSION_VERDICTS):
        if len(tables.get(table.name, [None])) != 1:
            raise BadRequest(f"{about['session_file']} needs one row for {table.name}")
    return Finished(outcomes=outcomes, tables=tables, **about)


def _lacks(values: Iterable[Any] | None) -> bool:
    return values is None or any(value is None for value in values)
