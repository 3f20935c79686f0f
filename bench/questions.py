"""Questions in SQL: an analyst's GROUP BY, and a million rows on their way into a notebook."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from bench.budgets import Figure, spread
from bench.load import Job, Refused, drive_apart
from bench.server import HOST

if TYPE_CHECKING:
    from bench.stage import Stage

GIVES = ("query", "query.again")
_WARM = 5
_STREAMS = 7
_GROUPS = """
    SELECT tool_name, count(*) AS calls, count(*) FILTER (is_error) AS failed, max(occurred_at)
    FROM agnes_telemetry WHERE event_type = 'tool_use' GROUP BY tool_name ORDER BY calls DESC
"""
_COLUMNS = (
    "session_id",
    "username",
    "event_type",
    "tool_name",
    "outcome",
    "is_error",
    "model",
    "occurred_at",
)


def asked(stage: Stage) -> Iterable[Figure]:
    """A GROUP BY over own rows: first by analysts of whom nothing is kept yet, each once; then by
    the same ones again."""
    requests = [_post(stage, token, _GROUPS) for token in stage.data.analysts]
    job = Job(HOST, stage.live.port, requests, count=len(requests) - _WARM, warm=_WARM)
    for name in GIVES:
        yield spread(name, drive_apart(job).milliseconds)


def _post(stage: Stage, token: str, sql: str) -> str:
    body = json.dumps({"sql": sql})
    return (
        f"POST /api/query HTTP/1.1\r\nHost: {HOST}:{stage.live.port}\r\n"
        f"Authorization: Bearer {token}\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    )


def streamed(stage: Stage) -> Iterable[Figure]:
    """Seconds until an Arrow table of them stands in a notebook's memory. An admin asks: all rows
    of the instance are theirs."""
    import ibis

    backend: Any = ibis.agnes
    con = backend.connect(stage.live.url, stage.data.token)
    rows, took = con.table("agnes_telemetry").select(*_COLUMNS), []
    for _ in range(_STREAMS):
        began = time.perf_counter()
        found = rows.to_pyarrow().num_rows
        took.append(time.perf_counter() - began)
        if found != stage.data.rows:
            raise Refused(f"{found:,} rows came")
    con.disconnect()
    yield spread("query.arrow", took[1:])
