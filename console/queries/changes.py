"""Questions about changes: the rows of the audit log that keep what was before, and those of what
was made, before which there was nothing."""

from __future__ import annotations

import ibis.expr.types as ir

from console.queries.audit import SHOWN, Order
from console.queries.audit_filter import AuditFilter
from schema.policy import Seen

# What can be undone and leaves nothing that was before; a test holds it against what can be undone.
CREATIONS = (
    "audit.rollback",
    "registry.create",
    "resource_grants.add",
    "user_group_members.add",
    "user_groups.create",
)


def changes(seen: Seen, filter: AuditFilter, order: Order, limit: int) -> ir.Table:
    """`audit.timeline` of the changes alone."""
    events = filter.apply(seen.rows())
    made = events.action.isin(CREATIONS) & (events.result == "success")
    kept = events.filter(events.params_before.notnull() | made)
    return order.apply(kept).limit(limit).select(*SHOWN)
