"""In which sessions calls failed."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from console.queries.counted import with_total
from console.queries.telemetry_filter import TelemetryFilter
from schema.policy import Seen


def by_session(seen: Seen, filter: TelemetryFilter, limit: int) -> ir.Table:
    """`session_file, user_id, calls, errors, last_at` of sessions with errors, the last one first;
    `total`: how many there are."""
    events = filter.apply(seen.rows())
    failed = events.outcome == "error"
    rows = events.group_by("session_file").agg(
        user_id=events.user_id.max(),
        calls=events.count(),
        errors=events.count(where=failed),
        last_at=events.occurred_at.max(where=failed),
    )
    rows = rows.filter(rows.errors > 0)
    rows = with_total(rows)
    return rows.order_by([ibis.desc("last_at"), ibis.asc("session_file")]).limit(limit)
