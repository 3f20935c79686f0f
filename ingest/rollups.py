"""Daily figures of tools and marketplace items, and those of the last 7 and 30 days.

Each day is made anew from its events, as a whole, in one transaction; which days, is what
`rollup_days` says. People are counted once in each figure, also in those over many days.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

import ibis
import ibis.expr.types as ir

from ingest.attribution import Attribution, Item
from ingest.commit import items, kept, mark
from schema.bind import At
from schema.table import rows_of
from schema.tables import (
    ROLLUP_DAYS,
    USAGE_EVENTS,
    USAGE_MARKETPLACE_ITEM_DAILY,
    USAGE_MARKETPLACE_ITEM_WINDOW,
    USAGE_TOOL_DAILY,
)
from schema.transaction import Row, Rows, Transaction

WINDOWS = {"last_7d": 7, "last_30d": 30}
PLUGIN = "plugin"  # the type of the row that sums up a plugin's items


def rebuild(transaction: Transaction, day: date) -> dict[str, Any]:
    """Make one day's figures anew: `{day, tools, items}`, how many rows it has now."""
    span = At(datetime.combine(day, time.min)), At(datetime.combine(day, time.max))
    tools = [{"day": day, **row} for row in transaction.ask(tools_between, *span)]
    found = _items(transaction, span)
    _replace(transaction, USAGE_TOOL_DAILY, {"day": day}, tools)
    _replace(
        transaction,
        USAGE_MARKETPLACE_ITEM_DAILY,
        {"day": day},
        [{"day": day} | row for row in found],
    )
    transaction.delete(ROLLUP_DAYS, {"day": day})
    return {"day": day.isoformat(), "tools": len(tools), "items": len(found)}


def rebuild_windows(transaction: Transaction, today: date) -> None:
    """Make the figures of the last days anew; a window ends with `today`."""
    end = datetime.combine(today, time.max)
    for label, days in WINDOWS.items():
        start = datetime.combine(today, time.min) - timedelta(days=days - 1)
        found = _items(transaction, (At(start), At(end)))
        rows = [{"period_label": label} | row for row in found]
        _replace(transaction, USAGE_MARKETPLACE_ITEM_WINDOW, {"period_label": label}, rows)


def reattribute(
    transaction: Transaction, before: Attribution, horizon: datetime | None
) -> tuple[int, set[date]]:
    """After a change of the marketplaces, of which `before` is what they were: say anew whose work
    each event is. Answers how many events changed, and their days, which are marked."""
    attribution = Attribution(transaction.ask(items))
    changed = 0
    days: set[date] = set()
    for row in transaction.ask(identifiers):
        named = [row[name] for name in _IDENTIFIERS]
        now = attribution.of(*named)
        # What it counts as may change alone: a command may have become a skill.
        if now == (row["source"], row["ref_id"]) and attribution.key(*named) == before.key(*named):
            continue
        changed += row["events"]
        days.update(row["days"])
        where = {name: row[name] for name in (*_IDENTIFIERS, "source", "ref_id")}
        # Identifiers decide alone, and an event has one of them; a null equals nothing in UPDATE.
        known = {name: value for name, value in where.items() if value is not None}
        transaction.update(USAGE_EVENTS, known, {"source": now[0], "ref_id": now[1]})
    days = kept(days, horizon)
    mark(transaction, days, horizon)
    return changed, days


def _items(transaction: Transaction, span: tuple[At, At]) -> list[dict[str, Any]]:
    attribution = Attribution(transaction.ask(items))
    people: defaultdict[Item, set[str]] = defaultdict(set)
    calls: defaultdict[Item, list[int]] = defaultdict(lambda: [0, 0])
    for row in transaction.ask(uses_between, *span):
        item = attribution.key(row["skill_name"], row["subagent_type"], row["command_name"])
        for counted in _counted(item):
            people[counted].add(row["user_id"])
            calls[counted][0] += row["invocations"]
            calls[counted][1] += row["errors"]
    return [
        {
            **item._asdict(),
            "invocations": invocations,
            "distinct_users": len(people[item]),
            "error_count": errors,
        }
        for item, (invocations, errors) in sorted(calls.items())
    ]


def _counted(item: Item | None) -> Iterable[Item]:
    """The rows that a use counts in: the item's own, and its plugin's."""
    if item is None:
        return ()
    if not item.parent_plugin:
        return (item,)
    return (item, Item(item.source, PLUGIN, "", item.parent_plugin))


def _replace(
    transaction: Transaction, table: Any, where: Row, rows: Sequence[Mapping[str, Any]]
) -> None:
    transaction.delete(table, where)
    transaction.insert(Rows(table, rows))


# -- questions

_IDENTIFIERS = ("skill_name", "subagent_type", "command_name")


def _between(since: At, until: At) -> Any:
    events = rows_of(USAGE_EVENTS)
    return events.filter(events.occurred_at >= since.moment, events.occurred_at <= until.moment)


def tools_between(since: At, until: At) -> ir.Table:
    """`tool_name, source, invocations, error_count, distinct_users, distinct_sessions`."""
    events = _between(since, until)
    calls = events.filter(events.tool_name.notnull())
    return (
        calls.group_by("tool_name", "source")
        .agg(
            invocations=calls.count(),
            error_count=calls.count(where=calls.is_error),
            distinct_users=calls.user_id.nunique(),
            distinct_sessions=calls.session_file.nunique(),
        )
        .order_by(["tool_name", "source"])
    )


def uses_between(since: At, until: At) -> ir.Table:
    """`skill_name, subagent_type, command_name, user_id, invocations, errors`."""
    events = _between(since, until)
    used = events.filter(ibis.or_(*(events[name].notnull() for name in _IDENTIFIERS)))
    return used.group_by(*_IDENTIFIERS, "user_id").agg(
        invocations=used.count(), errors=used.count(where=used.is_error)
    )


def identifiers() -> ir.Table:
    """Each combination of identifiers and attribution that stands in the events: how many `events`
    have it, on which `days`."""
    events = rows_of(USAGE_EVENTS)
    used = events.filter(ibis.or_(*(events[name].notnull() for name in _IDENTIFIERS)))
    return used.group_by(*_IDENTIFIERS, "source", "ref_id").agg(
        events=used.count(), days=used.occurred_at.date().collect(distinct=True)
    )


def days_marked() -> ir.Table:
    """`day`: what is to be made anew, the newest first."""
    return rows_of(ROLLUP_DAYS).distinct().order_by(ibis.desc("day"))
