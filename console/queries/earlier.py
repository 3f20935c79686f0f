"""What came before a window, to compare it with."""

from __future__ import annotations

import ibis.expr.types as ir

from console.queries import audit
from console.queries.audit_filter import AuditFilter
from schema.policy import Seen


def kpis(seen: Seen, filter: AuditFilter) -> ir.Table:
    """The KPIs of `filter`, and `older`: 1 where the log that one may see reaches to its window's
    begin, else 0. One row is enough to know that: the least of all times would need each."""
    events = seen.rows()
    older = events.filter(events.timestamp <= filter.since).limit(1)
    return audit.kpis(seen, filter).cross_join(older.aggregate(older=lambda rows: rows.count()))
