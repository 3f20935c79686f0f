"""What is called right before and after a tool, within one session and agent."""

from __future__ import annotations

from typing import Any

import ibis
import ibis.expr.types as ir

from console.queries.telemetry import counts
from console.queries.telemetry_filter import TelemetryFilter
from schema.policy import Seen

_WHOSE = ("user_id", "username")  # terms that hold for whole sessions
SESSIONS = 1000  # looked at: to put all calls of a month in order costs seconds


def reach(seen: Seen, filter: TelemetryFilter) -> ir.Table:
    """One row: `calls` and `sessions` that `filter` finds."""
    chosen = filter.apply(seen.rows())
    return chosen.aggregate(calls=chosen.count(), sessions=chosen.session_file.nunique())


def neighbours(seen: Seen, filter: TelemetryFilter, sessions: int) -> ir.Table:
    """`side` (before | after), `step`, `calls` and `counts` of how the calls that `filter` finds
    ended, in the `sessions` that have the latest of them. `step` is the name of what stands beside
    them, be it found by `filter` or not; null at the window's or the session's end."""
    found: Any = filter.apply(seen.rows())
    latest = found.group_by("session_file").agg(last=found.occurred_at.max())
    latest = latest.order_by([latest["last"].desc(), latest.session_file.desc()]).limit(sessions)
    # Not what `found` is made of, or the engine would write all of that down for both.
    events: Any = filter.only(*_WHOSE).narrow(seen.rows())
    events = events.filter(events.session_file.isin(latest.session_file))
    name = ibis.coalesce(events.tool_name, events.command_name, events.event_type, "")
    beside = ibis.window(
        group_by=[events.session_file, events.agent_id],
        order_by=[events.occurred_at, events.id],
    )
    steps = events.mutate(before=name.lag().over(beside), after=name.lead().over(beside))
    chosen = filter.apply(steps)
    return ibis.union(*(_side(chosen, side) for side in ("before", "after")))


def _side(chosen: ir.Table, side: str) -> ir.Table:
    found = chosen.group_by(step=chosen[side]).agg(calls=chosen.count(), **counts(chosen))
    return found.mutate(side=ibis.literal(side))
