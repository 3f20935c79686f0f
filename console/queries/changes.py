"""Questions about changes: the rows of the audit log that keep what was before."""

from __future__ import annotations

import ibis.expr.types as ir

from console.queries.audit import SHOWN, Order
from console.queries.audit_filter import AuditFilter
from schema.policy import Seen


def changes(seen: Seen, filter: AuditFilter, order: Order, limit: int) -> ir.Table:
    """`audit.timeline` of the changes alone."""
    events = filter.apply(seen.rows())
    return order.apply(events.filter(events.params_before.notnull())).limit(limit).select(*SHOWN)
