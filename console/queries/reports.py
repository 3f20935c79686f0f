"""Questions that only the weekly reports ask."""

from __future__ import annotations

from typing import Any

import ibis
import ibis.expr.types as ir

from console.queries.session_findings import FindingFilter
from console.queries.sessions import SessionsSeen
from console.queries.telemetry import key
from console.queries.telemetry_filter import TelemetryFilter
from schema.policy import Seen

SEVERAL = "several tools"
_EXAMPLES = 3
# How a call ended -> the kind of finding that tells it. A finding names no tool.
_TELLS = (
    ("error", "tool_error"),
    ("policy_denied", "permission_denied"),
    ("user_rejected", "user_rejection"),
)
_GROUP = ("tool", "finding_type", "subtype")


def _with_tool(seen: SessionsSeen, events: Seen, filter: FindingFilter) -> ir.Table:
    """The findings that match, each with the `tool` whose calls ended that way in its session:
    `SEVERAL` where there were several, null where none did."""
    calls: Any = events.rows()
    kind = calls.outcome.cases(*_TELLS, else_=ibis.null("string"))
    calls = calls.mutate(kind=kind)
    calls = (
        calls.filter(calls.kind.notnull())
        .group_by(of=calls.session_file, kind=calls.kind)
        .agg(tools=calls.tool_name.nunique(), one=calls.tool_name.max())
    )
    found = filter.apply(seen)
    rows: Any = found.left_join(
        calls, [found.session_file == calls.of, found.finding_type == calls.kind]
    )
    return rows.mutate(tool=(rows.tools > 1).ifelse(SEVERAL, rows.one))


def repeated(seen: SessionsSeen, events: Seen, filter: FindingFilter, limit: int) -> ir.Table:
    """What went wrong alike: `tool, finding_type, subtype, findings, times, sessions, people`,
    those in the most sessions first. `times`: a finding may tell of several."""
    rows = _with_tool(seen, events, filter)
    groups = rows.group_by(list(_GROUP)).agg(
        findings=rows.count(),
        times=rows["count"].fill_null(1).sum().cast("int64"),
        sessions=rows.session_file.nunique(),
        people=rows.user_id.nunique(),
    )
    order = [ibis.desc("sessions"), ibis.desc("findings"), *_GROUP]
    return groups.order_by(order).limit(limit)


def examples(seen: SessionsSeen, events: Seen, filter: FindingFilter) -> ir.Table:
    """The newest findings of each group of `repeated`, of different sessions, at most three."""
    rows = _with_tool(seen, events, filter)
    newest = [rows["at"].desc(), rows.id]
    of_session = ibis.row_number().over(
        group_by=[*_GROUP, "session_file"], order_by=[rows.turn_index, rows.id]
    )
    rows = rows.mutate(first=of_session)
    rows = rows.filter(rows["first"] == 0)
    rows = rows.mutate(place=ibis.row_number().over(group_by=list(_GROUP), order_by=newest))
    return rows.filter(rows.place < _EXAMPLES).select(
        *_GROUP, "session_file", "user_id", "turn_index", "excerpt", "place"
    )


def used(seen: Seen, filter: TelemetryFilter, group: str) -> ir.Table:
    """`name, calls, errors, people` of everything of a kind that the events name."""
    events = filter.apply(seen.rows())
    rows = events.mutate(name=key(events, group))
    rows = rows.filter(rows.name.notnull())
    return rows.group_by("name").agg(
        calls=rows.count(),
        errors=rows.count(where=rows.outcome == "error"),
        people=rows.user_id.nunique(),
    )
