"""What came before a window, to compare it with."""

from __future__ import annotations

import ibis.expr.types as ir

from console.queries import audit
from console.queries.audit_filter import AuditFilter
from schema.policy import Seen


def kpis(seen: Seen, filter: AuditFilter) -> ir.Table:
    """The KPIs of `filter`, and `oldest`: when the log that one may see begins."""
    events = seen.rows()
    return audit.kpis(seen, filter).cross_join(events.aggregate(oldest=events.timestamp.min()))
