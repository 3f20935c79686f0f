"""Questions about who uses tools at all, day by day."""

from __future__ import annotations

import ibis.expr.types as ir

from console.queries.telemetry_filter import TelemetryFilter
from schema.policy import Seen


def days(seen: Seen, filter: TelemetryFilter) -> ir.Table:
    """`day, users`: distinct people of each day that has any."""
    events = filter.apply(seen.rows())
    return (
        events.group_by(day=events.occurred_at.date())
        .agg(users=events.user_id.nunique())
        .order_by("day")
    )


def people(seen: Seen, filter: TelemetryFilter) -> ir.Table:
    """One row: `users`, distinct in the whole window."""
    events = filter.apply(seen.rows())
    return events.aggregate(users=events.user_id.nunique())


def tools(seen: Seen, filter: TelemetryFilter) -> ir.Table:
    """`user_id, distinct_tools`."""
    events = filter.apply(seen.rows())
    return events.group_by("user_id").agg(distinct_tools=events.tool_name.nunique())
