"""Questions about what is used how much in the last 30 days."""

from __future__ import annotations

from typing import Any

import ibis
import ibis.expr.types as ir

from console.queries.telemetry_filter import TelemetryFilter
from schema.policy import Seen
from schema.table import rows_of
from schema.tables import MARKETPLACE_ITEMS

# Kind -> the type of a marketplace item, and the column of events that names what has no market.
KINDS: dict[str, tuple[str | None, str | None]] = {
    "skills": ("skill", "skill_name"),
    "subagents": ("agent", "subagent_type"),
    "commands": ("command", "command_name"),
    "plugins": ("plugin", None),
    "mcp": (None, "mcp_server"),
    "tools": (None, "tool_name"),
}
_ITEM = ("source", "type", "parent_plugin", "name")


def of_items(window: Seen, daily: Seen, type: str, today: Any) -> ir.Table:
    """Marketplace items used in 30 days: `source, type, parent_plugin, name, invocations,
    distinct_users, errors, last7, prior7, last_used`; the two weeks are whole days up to today."""
    month = window.rows()
    month = month.filter(month.period_label == "last_30d", month.type == type)
    days: Any = daily.rows()
    days = days.filter(days.type == type)
    age = today.moment.date().delta(days.day, unit="day")
    by_day = days.group_by(*_ITEM).agg(
        last7=days.invocations.sum(where=(age >= 0) & (age < 7)).fill_null(0).cast("int64"),
        prior7=days.invocations.sum(where=(age >= 7) & (age < 14)).fill_null(0).cast("int64"),
        last_used=days.day.max(),
    )
    joined = month.left_join(by_day, list(_ITEM))
    return joined.select(
        *_ITEM,
        "invocations",
        "distinct_users",
        errors="error_count",
        last7=joined.last7.fill_null(0),
        prior7=joined.prior7.fill_null(0),
        last_used="last_used",
    )


def of_events(seen: Seen, filter: TelemetryFilter, column: str, today: Any) -> ir.Table:
    """The same of what `column` names and no marketplace offers."""
    events: Any = filter.apply(seen.rows())
    events = events.filter(events[column].notnull())
    if column not in ("tool_name", "mcp_server"):
        events = events.filter(events.source == "builtin")
    age = today.moment.date().delta(events.occurred_at.date(), unit="day")
    return events.group_by(name=events[column]).agg(
        invocations=events.count(),
        distinct_users=events.user_id.nunique(),
        errors=events.count(where=events.outcome == "error"),
        last7=events.count(where=(age >= 0) & (age < 7)),
        prior7=events.count(where=(age >= 7) & (age < 14)),
        last_used=events.occurred_at.max().date(),
    )


def active(seen: Seen, filter: TelemetryFilter) -> ir.Table:
    """`people`: how many used anything at all; `adopters`: how many of them what is offered."""
    events: Any = filter.apply(seen.rows())
    offered = events.source.isin(("curated", "flea"))
    return events.aggregate(
        people=events.user_id.nunique(), adopters=events.user_id.nunique(where=offered)
    )


def offered(type: str) -> ir.Table:
    """What the marketplaces offer of a type: a catalogue, nobody's rows."""
    rows = rows_of(MARKETPLACE_ITEMS)
    found = rows.filter(rows.type == type)
    return found.select("source", "marketplace", "plugin", "type", "name", "description").order_by(
        [ibis.asc("plugin"), ibis.asc("name"), ibis.asc("marketplace")]
    )
