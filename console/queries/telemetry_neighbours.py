"""What is called right before and after a tool, within one session and agent."""

from __future__ import annotations

from typing import Any

import ibis
import ibis.expr.types as ir

from console.queries.telemetry import counts
from console.queries.telemetry_filter import TelemetryFilter
from schema.policy import Seen

_WHOSE = ("user_id", "username")  # terms that hold for whole sessions


def neighbours(seen: Seen, filter: TelemetryFilter) -> ir.Table:
    """`side` (before | after), `step`, `calls` and `counts` of how the calls that `filter` finds
    ended. `step` is the name of what stands beside them, be it found by `filter` or not; null at
    the window's or the session's end."""
    events: Any = filter.only(*_WHOSE).apply(seen.rows())
    files = filter.apply(seen.rows()).session_file
    events = events.filter(events.session_file.isin(files))
    name = ibis.coalesce(events.tool_name, events.command_name, events.event_type, "")
    beside = ibis.window(
        group_by=[events.session_file, events.agent_id],
        order_by=[events.occurred_at, events.id],
    )
    steps = events.mutate(before=name.lag().over(beside), after=name.lead().over(beside))
    chosen = filter.apply(steps.drop("mcp_server"))
    return ibis.union(*(_side(chosen, side) for side in ("before", "after")))


def _side(chosen: ir.Table, side: str) -> ir.Table:
    found = chosen.group_by(step=chosen[side]).agg(calls=chosen.count(), **counts(chosen))
    return found.mutate(side=ibis.literal(side))
