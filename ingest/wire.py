"""Finished sessions as Arrow: how a kernel hands them to the server.

One row a session. The rows for each table are a list of structs, so that everything a session needs
for its one transaction travels together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import orjson
import pyarrow as pa

from ingest.pipeline import Finished, Outcome
from schema.errors import BadRequest
from schema.tables import (
    SESSION_FINDINGS,
    SESSION_VERDICTS,
    USAGE_EVENTS,
    USAGE_SESSION_SUMMARY,
)
from schema.transaction import arrow_schema

TABLES = (USAGE_EVENTS, USAGE_SESSION_SUMMARY, SESSION_FINDINGS, SESSION_VERDICTS)
_ABOUT = ("session_file", "fingerprint", "outcomes", "roots", "problems", "records")
SCHEMA = pa.schema(
    [
        pa.field("about", pa.string()),
        *(pa.field(one.name, pa.list_(pa.struct(list(arrow_schema(one))))) for one in TABLES),
    ]
)


def pack(finished: Sequence[Finished]) -> bytes:
    """An Arrow IPC stream with one row for each session."""
    columns: dict[str, list[Any]] = {"about": [_about(one) for one in finished]}
    for table in TABLES:
        columns[table.name] = [one.tables.get(table.name) for one in finished]
    sink = pa.BufferOutputStream()
    batch = pa.table(columns, schema=SCHEMA)
    with pa.ipc.new_stream(sink, SCHEMA) as writer:
        writer.write_table(batch)
    data: bytes = sink.getvalue().to_pybytes()
    return data


def unpack(data: bytes) -> list[Finished]:
    """What `pack` made. Raises BadRequest for anything else."""
    try:
        with pa.ipc.open_stream(data) as reader:
            table = reader.read_all()
        table.validate(full=True)
        if not table.schema.equals(SCHEMA):
            raise BadRequest("the Arrow stream has other columns than finished sessions have")
        return [_finished(row) for row in table.to_pylist()]
    except (pa.ArrowException, ValueError, TypeError, KeyError, OSError) as error:
        raise BadRequest(f"the body is no Arrow stream of finished sessions: {error}") from None


def _about(one: Finished) -> str:
    plain = {name: getattr(one, name) for name in _ABOUT}
    plain["outcomes"] = {name: asdict(outcome) for name, outcome in one.outcomes.items()}
    return orjson.dumps(plain).decode()


def _finished(row: dict[str, Any]) -> Finished:
    about = orjson.loads(row.pop("about"))
    about["outcomes"] = {name: Outcome(**one) for name, one in about["outcomes"].items()}
    return Finished(**about, tables={name: rows for name, rows in row.items() if rows is not None})
