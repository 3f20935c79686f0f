"""What belongs to an event: all that was done under the same correlation id."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import ibis.expr.types as ir

from console.queries.audit import Id
from console.queries.audit_filter import AuditFilter, Term
from console.queries.counted import with_total
from schema.bind import At
from schema.policy import Seen

# One request, or one run of a job: all of it is near. The bounds let the engine skip all other
# blocks of rows.
NEAR = timedelta(hours=12)
COLUMNS = ("id", "timestamp", "user_id", "action", "result", "result_class", "duration_ms")


def filter_of(correlation_id: str, at: datetime) -> AuditFilter:
    """The events with this correlation id around a moment; reads of the log itself included."""
    terms = (Term("correlation_id", (correlation_id,)),)
    return AuditFilter(at - NEAR, at + NEAR, terms, include_self_reads=True)


def correlated(seen: Seen, filter: AuditFilter, id: Id, at: At, limit: int) -> ir.Table:
    """At most `limit` of these events, those nearest to the one with this id, which was `at` that
    moment; and `total`: how many there are."""
    events: Any = filter.apply(seen.rows())
    counted = with_total(events.select(*COLUMNS))
    moment: Any = at.moment
    away = (counted.timestamp.epoch_seconds() - moment.epoch_seconds()).abs()
    return counted.order_by([counted.id != id.id, away, counted.timestamp]).limit(limit)
