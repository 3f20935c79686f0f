"""Questions about usage events. Each takes the events one may see and a filter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ibis
import ibis.expr.types as ir

from console.queries.counted import count_where, with_total
from console.queries.facets import most_frequent
from console.queries.telemetry_filter import TelemetryFilter
from schema.policy import Seen

# Facet -> the column it counts.
FACETS = {
    "users": "user_id",
    "tools": "tool_name",
    "sources": "source",
    "event_types": "event_type",
    "skills": "skill_name",
    "subagents": "subagent_type",
    "mcp_servers": "mcp_server",
    "models": "model",
    "outcomes": "outcome",
}
# What `group_by` may be -> the column that is grouped by.
GROUPS: Mapping[str, str] = {
    "day": "day",
    "username": "username",
    "user": "user_id",
    "tool_name": "tool_name",
    "tool": "tool_name",
    "source": "source",
    "ref_id": "ref_id",
    "skill": "skill_name",
    "subagent": "subagent_type",
    "mcp_server": "mcp_server",
    "model": "model",
    "outcome": "outcome",
    "event_type": "event_type",
}
SORTS = (
    *("bucket", "invocations", "distinct_users", "distinct_sessions", "errors", "error_rate"),
    *("denied", "rejected", "interrupted", "unresolved", "first_at", "last_at"),
)
LEAST = 10  # calls below which an error rate decides no place in an order
Z = 1.96  # 95 %


def counts(events: Any) -> dict[str, Any]:
    """Calls by how they ended. Denied, rejected and interrupted ones are no errors."""
    outcome: Any = events.outcome
    return {
        "errors": count_where(outcome == "error"),
        "rejected": count_where(outcome == "user_rejected"),
        "denied": count_where(outcome == "policy_denied"),
        "interrupted": count_where(outcome == "interrupted"),
        "unresolved": count_where(outcome == "unresolved"),
    }


def kpis(seen: Seen, filter: TelemetryFilter) -> ir.Table:
    """One row: `events_total, distinct_users, distinct_tools, sessions` and `counts`."""
    events = filter.apply(seen.rows())
    return events.aggregate(
        events_total=events.count(),
        distinct_users=events.user_id.nunique(),
        distinct_tools=events.tool_name.nunique(),
        sessions=events.session_file.nunique(),
        **counts(events),
    )


def began(seen: Seen) -> ir.Table:
    """One row: `first_at`, when the first event happened of all that one may see."""
    events = seen.rows()
    return events.aggregate(first_at=events.occurred_at.min())


def facets(seen: Seen, filter: TelemetryFilter) -> ir.Table:
    """Long table `facet, value, count, values, rank`: for each facet its most frequent values, and
    one row of rank `FACET_VALUES` that sums the rest. Null is a value of its own. Events are
    counted once by all columns, then each facet sums those few rows: a third less work."""
    events = filter.apply(seen.rows())
    cells = events.group_by(list(FACETS.values())).agg(events=lambda rows: rows.count())
    calls = cells.events.sum().cast("int64")
    return ibis.union(
        *(
            most_frequent(facet, cells.group_by(value=cells[column]).agg(count=calls))
            for facet, column in FACETS.items()
        )
    )


def key(events: ir.Table, group: str) -> Any:
    """The text that events are grouped by; a day is its ISO date."""
    if group == "day":
        return events.occurred_at.date().cast("string")
    return events[GROUPS[group]]


def _bound(errors: Any, total: Any) -> Any:
    """The lower end of the Wilson interval, for the order."""
    count = total.cast("float64")
    rate, spread = errors / count, Z * Z / count
    about = Z * (rate * (1 - rate) / count + spread / (4 * count)).sqrt()
    return (rate + spread / 2 - about) / (1 + spread)


def grouped(
    seen: Seen, filter: TelemetryFilter, group: str, sort: str, limit: int | None, offset: int
) -> ir.Table:
    """One row for each value: `bucket, invocations, distinct_users, distinct_sessions`, `counts`,
    `first_at, last_at`, and `total`, how many values there are. Sorted by `<key>:asc|desc`; by
    error rate, groups of fewer than `LEAST` events come last, and the interval's lower end decides.
    Ties by bucket, null last."""
    events = filter.apply(seen.rows())
    rows = events.group_by(bucket=key(events, group)).agg(
        invocations=events.count(),
        distinct_users=events.user_id.nunique(),
        distinct_sessions=events.session_file.nunique(),
        first_at=events.occurred_at.min(),
        last_at=events.occurred_at.max(),
        **counts(events),
    )
    rows = with_total(rows)
    name, _, direction = sort.partition(":")
    main: Any = _bound(rows.errors, rows.invocations) if name == "error_rate" else rows[name]
    main = main.desc(nulls_first=False) if direction == "desc" else main.asc(nulls_first=False)
    few = [(rows.invocations < LEAST).asc()] if name == "error_rate" else []
    ties = [] if name == "bucket" else [rows.bucket.asc(nulls_first=False)]
    rows = rows.order_by([*few, main, *ties])
    return rows.limit(limit, offset=offset)


def raw(
    seen: Seen, filter: TelemetryFilter, direction: str, limit: int | None, offset: int
) -> ir.Table:
    """The events themselves by time, the newest first where `direction` is desc."""
    events = filter.apply(seen.rows())
    columns: Any = (events.occurred_at, events.id)
    order = [column.desc() if direction == "desc" else column.asc() for column in columns]
    return events.order_by(order).limit(limit, offset=offset)


def everything(seen: Seen, filter: TelemetryFilter) -> ir.Table:
    """All events that match, newest first: what an export holds."""
    events = filter.apply(seen.rows())
    return events.order_by([events.occurred_at.desc(), events.id.desc()])


def series(
    seen: Seen, filter: TelemetryFilter, seconds: int, group: str | None, top: int
) -> ir.Table:
    """`bucket` (epoch seconds, a multiple of `seconds`), `place, value, count, errors`. `place` is
    the value's by its number of events; values from place `top` on are one, without a name."""
    events = filter.apply(seen.rows())
    start = (events.occurred_at.epoch_seconds() // seconds) * seconds
    value = ibis.null("string") if group is None else key(events, group)
    cells = (
        events.mutate(bucket=start, value=value)
        .group_by(["bucket", "value"])
        .agg(count=lambda rows: rows.count(), errors=_errors)
    )
    return (
        placed(cells, "value", "place", top)
        .group_by(["bucket", "place", "value"])
        .agg(
            count=lambda rows: rows["count"].sum().cast("int64"),
            errors=lambda rows: rows.errors.sum().cast("int64"),
        )
    )


def pivot(
    seen: Seen, filter: TelemetryFilter, rows: str, columns: str, most_rows: int, most_columns: int
) -> ir.Table:
    """`row_place, row, column_place, column, count, errors`: every event is in one cell. Values
    beyond the most frequent are one row, or one column, without a name; `row_values`,
    `column_values`: how many values there are."""
    events = filter.apply(seen.rows())
    cells = (
        events.mutate(row=key(events, rows), column=key(events, columns))
        .group_by(["row", "column"])
        .agg(count=lambda rows: rows.count(), errors=_errors)
    )
    cells = placed(cells, "row", "row_place", most_rows, values="row_values")
    cells = placed(cells, "column", "column_place", most_columns, values="column_values")
    return cells.group_by(["row_place", "row", "column_place", "column"]).agg(
        count=lambda rows: rows["count"].sum().cast("int64"),
        errors=lambda rows: rows.errors.sum().cast("int64"),
        row_values=lambda rows: rows.row_values.max(),
        column_values=lambda rows: rows.column_values.max(),
    )


def placed(
    cells: ir.Table, column: str, place: str, most: int, *, values: str = "__values"
) -> ir.Table:
    """`cells` with the `place` of their value of `column` by its whole count; from `most` on the
    place is `most` and the value null. `values`: how many there are."""
    whole = cells.group_by(column).agg(__whole=lambda rows: rows["count"].sum())
    order = [ibis.desc("__whole"), ibis.asc(column)]
    ranks = with_total(whole.mutate(__rank=ibis.row_number().over(order_by=order)), values)
    ranks = ranks.select(values, __value=ranks[column], __rank=ranks["__rank"])
    joined: Any = cells.join(ranks, cells[column].identical_to(ranks["__value"]))
    kept = joined["__rank"] < most
    return joined.mutate(
        **{
            place: ibis.ifelse(kept, joined["__rank"], most),
            column: ibis.ifelse(kept, joined[column], ibis.null("string")),
        }
    ).drop("__value", "__rank")


def _errors(rows: Any) -> Any:
    return count_where(rows.outcome == "error")
