"""Questions about table syncs as the audit log tells them. Each takes the rows one may see, a
filter that is kept to syncs, and gives a table.

What a sync brought, and why it failed, stands in its records in `sync_history`; an event names
these by id in its `params`.
"""

from __future__ import annotations

from typing import Any

import ibis
import ibis.expr.types as ir

from console.queries.audit import SHOWN
from console.queries.audit_filter import AuditFilter
from schema.policy import Seen

SYNC = "sync.table"
# The ids in an event's JSON text, one or a list. A quote inside of a text is escaped there, so no
# text can pass for this key.
_IDS = r'"sync_ids?":\s*\[?((?:\s*"[^"]*"\s*,?)+)'


def cells(seen: Seen, filter: AuditFilter, seconds: int) -> ir.Table:
    """`resource, bucket` (epoch seconds, a multiple of `seconds`), `runs, ok, failed`; where
    nothing ran there is no row."""
    events = filter.apply(seen.rows())
    start = (events.timestamp.epoch_seconds() // seconds) * seconds
    return events.group_by(events.resource, bucket=start).agg(**_outcomes(events))


def tables(seen: Seen, filter: AuditFilter, history: Seen) -> ir.Table:
    """`resource, runs, ok, failed, synced_rows, p50_duration_ms`, worst first: most failures, then
    the larger share of them."""
    events = filter.apply(seen.rows())
    records = _records(events, history)
    told = events.left_join(records, events.id == records.event_id)
    per_table = told.group_by("resource").agg(
        **_outcomes(told),
        synced_rows=told.synced_rows.sum(),
        p50_duration_ms=told.duration_ms.quantile(0.5),
    )
    share: Any = per_table.failed / per_table.runs
    return per_table.order_by([ibis.desc("failed"), share.desc(), ibis.asc("resource")])


def failures(seen: Seen, filter: AuditFilter, history: Seen, limit: int) -> ir.Table:
    """The `limit` newest failed syncs as events, each with the `error` of its records, if any."""
    events = filter.apply(seen.rows())
    newest = [ibis.desc("timestamp"), ibis.desc("id")]
    failed = events.filter(events.result_class == "error").order_by(newest).limit(limit)
    records = _records(failed, history)
    told = failed.left_join(records, failed.id == records.event_id)
    return told.select(*SHOWN, "error").order_by(newest)


def _outcomes(events: ir.Table) -> dict[str, Any]:
    return {
        "runs": events.count(),
        "ok": events.count(where=events.result_class == "success"),
        "failed": events.count(where=events.result_class == "error"),
    }


def _records(events: ir.Table, history: Seen) -> ir.Table:
    """`event_id, synced_rows, error`: one row for each event that names records one may see."""
    said: Any = events.params.re_extract(_IDS, 1)
    named = events.select(event_id=events.id, said=said.split(",").unnest())
    ids = named.select("event_id", sync_id=named.said.strip().replace('"', "")).distinct()
    records = history.rows()
    found = ids.join(records, ids.sync_id == records.id)
    return found.group_by("event_id").agg(
        synced_rows=found.rows.sum(),
        error=found.error.min(),
    )
