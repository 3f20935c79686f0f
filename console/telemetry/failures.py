"""In which sessions calls failed. Blocks: call it through `store.offload`."""

from __future__ import annotations

from console.queries import telemetry_failures
from console.queries.telemetry_filter import TelemetryFilter
from console.telemetry import Reader, Row


def failures(reader: Reader, filter: TelemetryFilter, limit: int) -> Row:
    """`rows`: the sessions in which calls that `filter` finds failed last, with how many of its
    `calls` were `errors`, and `last_at`, when; `sessions`: how many such sessions there are."""
    rows = reader.ask(telemetry_failures.by_session, reader.seen, filter, limit)
    total = rows[0]["total"] if rows else 0
    shown = [{name: value for name, value in row.items() if name != "total"} for row in rows]
    return {"rows": [reader.named(row) for row in shown], "sessions": total}
