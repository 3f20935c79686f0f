"""Table syncs as people read them: a grid of tables and times with its sums, and what failed. The
one place for page and API; from the audit log's own filter. It blocks: call it through
`store.offload`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import orjson

from console.activity import Reader, Row, bucket_seconds, window_minutes
from console.queries import syncs
from console.queries.audit_filter import AuditFilter, Term
from schema.policy import Seen
from schema.tables import SYNC_HISTORY

MOST_TABLES = 100
MOST_FAILURES = 50
_TABLE = "table:"
_SUMS = ("runs", "ok", "failed")


def grid(
    reader: Reader,
    filter: AuditFilter,
    *,
    most_tables: int = MOST_TABLES,
    most_failures: int = MOST_FAILURES,
) -> Row:
    """`buckets` are the starts of the cells, `tables` the worst first, each with one of `cells` for
    each bucket: None where nothing ran. What is beyond `most_tables` is summed in `other`, so that
    all sums together are the syncs that match. `failures` are the newest."""
    kept = only_syncs(filter)
    history = Seen(SYNC_HISTORY, reader.principal)
    seconds = bucket_seconds(filter)
    starts = _starts(filter, seconds)
    ran = _by_resource(reader.ask(syncs.cells, kept, seconds))
    tables = reader.ask(syncs.tables, kept)
    brought = reader.ask(syncs.brought, kept, history)
    rows = {row["resource"]: int(row["synced_rows"] or 0) for row in brought}
    shown, beyond = tables[:most_tables], tables[most_tables:]
    sums = _sums(tables)
    failed: list[Row] = []
    if sums["failed"]:
        failed = reader.ask(syncs.failures, kept, history, most_failures)
    return {
        "window_minutes": window_minutes(filter),
        "bucket_seconds": seconds,
        "buckets": [datetime.fromtimestamp(at, UTC).replace(tzinfo=None) for at in starts],
        **sums,
        "tables": [
            _table(row, rows.get(row["resource"]), ran.get(row["resource"], {}), starts)
            for row in shown
        ],
        "other": {"tables": len(beyond), **_sums(beyond)},
        "failures": [_failure(reader, row) for row in failed],
    }


def only_syncs(filter: AuditFilter) -> AuditFilter:
    return filter.and_(Term("action_in", (syncs.SYNC,)))


def _starts(filter: AuditFilter, seconds: int) -> range:
    if filter.since is None or filter.until is None:
        raise ValueError("a grid needs a window with both ends")
    first, last = (int(at.replace(tzinfo=UTC).timestamp()) for at in (filter.since, filter.until))
    return range(first - first % seconds, last + 1, seconds)


def _by_resource(rows: Iterable[Row]) -> dict[str | None, dict[int, Row]]:
    found: dict[str | None, dict[int, Row]] = {}
    for row in rows:
        cell = {name: row[name] for name in _SUMS}
        found.setdefault(row["resource"], {})[row["bucket"]] = cell
    return found


def _sums(tables: Iterable[Row]) -> Row:
    rows = list(tables)
    return {name: sum(row[name] for row in rows) for name in _SUMS}


def _table(row: Row, rows: int | None, ran: dict[int, Row], starts: range) -> Row:
    median = row["p50_duration_ms"]
    return {
        "table_id": table_of(row["resource"]),
        "resource": row["resource"],
        **{name: row[name] for name in _SUMS},
        "rows": rows,
        "p50_duration_ms": None if median is None else round(median),
        "cells": [ran.get(at) for at in starts],
    }


def table_of(resource: str | None) -> str | None:
    """The table that an event's resource names; anything else as it stands."""
    return resource.removeprefix(_TABLE) if resource else None


def _failure(reader: Reader, row: Row) -> Row:
    """A failed sync; without a record that the reader may see, with the error that the event itself
    tells."""
    record_error = row.pop("error")
    (shown,) = reader.dress([row])
    names = ("id", "timestamp", "resource", "result", "duration_ms", "correlation_id")
    return {
        "table_id": table_of(shown["resource"]),
        **{name: shown[name] for name in names},
        "error": record_error or _said(shown["params"]),
    }


def _said(params: str | None) -> str | None:
    try:
        value: Any = orjson.loads(params or "{}")
    except orjson.JSONDecodeError:
        return None
    error = value.get("error") if isinstance(value, dict) else None
    return error if isinstance(error, str) else None
