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
# Where the ids stand in an event's JSON text. A quote inside of a text is escaped there, so no text
# can pass for this key. Cutting costs a third of what a pattern would.
_OPENS, _CLOSES = '"sync_ids":[', "]"


def cells(seen: Seen, filter: AuditFilter, seconds: int) -> ir.Table:
    """`resource, bucket` (epoch seconds, a multiple of `seconds`), `runs, ok, failed`; where
    nothing ran there is no row."""
    events = filter.apply(seen.rows())
    start = (events.timestamp.epoch_seconds() // seconds) * seconds
    return events.group_by(events.resource, bucket=start).agg(**_outcomes(events))


def tables(seen: Seen, filter: AuditFilter) -> ir.Table:
    """`resource, runs, ok, failed, p50_duration_ms`, worst first: most failures, then the larger
    share of them."""
    events = filter.apply(seen.rows())
    per_table = events.group_by("resource").agg(
        **_outcomes(events), p50_duration_ms=events.duration_ms.quantile(0.5)
    )
    share: Any = per_table.failed / per_table.runs
    return per_table.order_by([ibis.desc("failed"), share.desc(), ibis.asc("resource")])


def brought(seen: Seen, filter: AuditFilter, history: Seen) -> ir.Table:
    """`resource, synced_rows`: the rows that the syncs of each resource brought, where one may see
    their records."""
    found = _records(filter.apply(seen.rows()), "resource", history)
    return found.group_by(resource=found.key).agg(synced_rows=found.rows.sum())


def failures(seen: Seen, filter: AuditFilter, history: Seen, limit: int) -> ir.Table:
    """The `limit` newest failed syncs as events, each with the `error` of its records, if any."""
    events = filter.apply(seen.rows())
    newest = [ibis.desc("timestamp"), ibis.desc("id")]
    failed = events.filter(events.result_class == "error").order_by(newest).limit(limit)
    found = _records(failed, "id", history)
    errors = found.group_by(event_id=found.key).agg(error=found.error.min())
    told = failed.left_join(errors, failed.id == errors.event_id)
    return told.select(*SHOWN, "error").order_by(newest)


def _outcomes(events: ir.Table) -> dict[str, Any]:
    return {
        "runs": events.count(),
        "ok": events.count(where=events.result_class == "success"),
        "failed": events.count(where=events.result_class == "error"),
    }


def _records(events: ir.Table, column: str, history: Seen) -> ir.Table:
    """`key, rows, error`: the records one may see, each with `column` of the event that names
    it."""
    params: Any = events.params
    said = params.split(_OPENS)[1].split(_CLOSES)[0].replace('"', "")
    named = events.select(key=events[column], sync_id=said.split(",").unnest())
    records = history.rows()
    found = named.join(records, named.sync_id == records.id)
    return found.select("key", "rows", "error")
