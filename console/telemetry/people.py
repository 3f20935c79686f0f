"""People who use tools, by day, week and month, and the overview of a window. All of it blocks:
call it through `store.offload`."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from operator import itemgetter
from typing import Any

from console import telemetry
from console.activity import Reader as LogReader
from console.durations import performance
from console.queries import telemetry_people
from console.queries.audit_filter import AuditFilter, Term
from console.queries.telemetry import SORTS
from console.queries.telemetry_filter import TelemetryFilter
from console.telemetry import Reader, Row, ends
from schema.errors import BadParameter

WINDOWS = {"7d": 7, "30d": 30, "all": None}
_SERIES = 30  # days of the summary's series
_MOST_DAYS = 366
_TOP = 10
_LEAST = 5  # measured calls of an action that is listed as slow
_BEGIN = datetime(1970, 1, 1)


def people(reader: Reader, filter: TelemetryFilter) -> Row:
    """`users` of the window, `dau_series` (each day, at most the last 366) with its mean `dau_avg`,
    and `wau`, `mau`: distinct people of the 7 and 30 days up to the window's end."""
    since, until = ends(filter)
    first = max(since.date(), until.date() - timedelta(days=_MOST_DAYS - 1))
    series = _series(reader, filter, first, until.date())
    return {
        "window_minutes": telemetry.window_minutes(filter),
        "users": _distinct(reader, filter),
        "dau_series": series,
        "dau_avg": _mean(series),
        "wau": _distinct(reader, filter.between(until - timedelta(days=7), until)),
        "mau": _distinct(reader, filter.between(until - timedelta(days=30), until)),
    }


EACH_SORTS = (*SORTS, "distinct_tools")


def sort_of(text: str) -> str:
    """`<key>:asc|desc` of the list of people, checked. Raises BadParameter."""
    name, _, direction = text.partition(":")
    if name not in EACH_SORTS or direction not in ("", "asc", "desc"):
        allowed = "<key>:asc or :desc with one of " + ", ".join(EACH_SORTS)
        raise BadParameter("sort", text, allowed)
    return f"{name}:{direction or 'desc'}"


def each(reader: Reader, filter: TelemetryFilter, sort: str, limit: int, offset: int) -> Row:
    """One page of people: the rows of `telemetry.groups` by user with `distinct_tools`."""
    name, _, direction = sort.partition(":")
    rows = telemetry.groups(reader, filter, "user", sort if name in SORTS else "invocations:desc")
    found = reader.ask(telemetry_people.tools, reader.seen, filter)
    tools = {row["user_id"]: row["distinct_tools"] for row in found}
    rows = [{**row, "distinct_tools": tools[row["bucket"]]} for row in rows]
    if name not in SORTS:
        rows.sort(key=itemgetter(name), reverse=direction == "desc")
    after = offset + limit
    return {
        "rows": rows[offset:after],
        "total": len(rows),
        "limit": limit,
        "offset": offset,
        "next_offset": after if after < len(rows) else None,
    }


def summary(reader: Reader, window: str, *, now: datetime) -> Row:
    """The overview of a window `7d | 30d | all`: `top_tools, top_users, error_rate, dau_series` (30
    days), `dau_avg, slow_actions, query_telemetry`. The last two are of the audit log, in as far as
    the reader may see it. Raises BadParameter."""
    if window not in WINDOWS:
        raise BadParameter("window", window, "one of " + ", ".join(WINDOWS))
    span = WINDOWS[window]
    since = _BEGIN if span is None else now - timedelta(days=span)
    filter = TelemetryFilter(since, now)
    first = now.date() - timedelta(days=_SERIES - 1)
    month = filter.between(datetime(first.year, first.month, first.day), now)
    series = _series(reader, month, first, now.date())
    cards = telemetry.kpis(reader, filter)
    return {
        "window": window,
        "events_total": cards["events_total"],
        "errors": cards["errors"],
        "error_rate": cards["error_rate"],
        "top_tools": _top(reader, filter, "tool_name"),
        "top_users": _top(reader, filter, "user"),
        "dau_series": series,
        "dau_avg": _mean(series),
        "slow_actions": _slow(reader, since, now),
        "query_telemetry": _queries(reader, since, now),
    }


def _top(reader: Reader, filter: TelemetryFilter, group: str) -> list[Row]:
    found = telemetry.query(reader, filter, group, "invocations:desc", _TOP + 1)["rows"]
    column = "user_id" if group == "user" else group
    rows = [{column: row["bucket"], **row} for row in found if row["bucket"] is not None]
    if group == "user":
        rows = [{"username": row["label"], **row} for row in rows]
    return rows[:_TOP]


def _series(reader: Reader, filter: TelemetryFilter, first: date, last: date) -> list[Row]:
    since, until = ends(filter)
    whole = filter.between(max(since, datetime(first.year, first.month, first.day)), until)
    found = {
        row["day"]: row["users"] for row in reader.ask(telemetry_people.days, reader.seen, whole)
    }
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    return [{"day": day.isoformat(), "users": found.get(day, 0)} for day in days]


def _distinct(reader: Reader, filter: TelemetryFilter) -> int:
    (found,) = reader.ask(telemetry_people.people, reader.seen, filter)
    return int(found["users"])


def _mean(series: list[Row]) -> float:
    return round(sum(row["users"] for row in series) / len(series), 2) if series else 0.0


def _log(reader: Reader, since: datetime, now: datetime, *terms: Term) -> Row:
    log = LogReader(reader.instance, reader.principal)
    filter = AuditFilter(max(since, now - timedelta(days=30)), now, terms)
    return performance(log, filter, "slowest")


def _slow(reader: Reader, since: datetime, now: datetime) -> list[Row]:
    actions = _log(reader, since, now)["actions"]
    return [row for row in actions if row["measured"] >= _LEAST][:_TOP]


def _queries(reader: Reader, since: datetime, now: datetime) -> Row:
    found: Any = _log(reader, since, now, Term("action_prefix", ("query.",)))
    return {
        "queries": found["events_total"],
        "errors": sum(row["errors"] for row in found["actions"]),
        "actions": found["actions"],
    }
