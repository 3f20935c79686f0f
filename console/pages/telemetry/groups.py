"""The table of the tabs Tools, Skills, Subagents and MCP: calls by what they were of, and how they
ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from console import telemetry
from console.pages.render import iso
from console.pages.telemetry import words
from console.pages.telemetry.reading import Reading
from console.pages.telemetry.state import TelemetryState
from console.queries.telemetry_filter import ANY
from console.telemetry import Row
from schema.errors import BadParameter

ROWS = 50
# Tab -> what its table is grouped by, unless the reader says otherwise.
BY = {"tools": "tool", "skills": "skill", "subagents": "subagent", "mcp": "mcp_server"}
# Without a word the most frequent come first, of days the last one.
ORDER, OF_DAYS = "invocations:desc", "bucket:desc"


@dataclass(frozen=True)
class Column:
    """`by`: what the server sorts by. `wide`: left out on a narrow screen."""

    title: str
    by: str
    hint: str = ""
    right: bool = True
    wide: bool = False


OUTCOMES = (
    Column("Denied", "denied", "A rule or a hook did not let it happen", wide=True),
    Column("Rejected", "rejected", "The person said no", wide=True),
    Column("Interrupted", "interrupted", "The person stopped it", wide=True),
    Column("Unresolved", "unresolved", "The session ended without its result", wide=True),
)


def usual(state: TelemetryState, tab: str) -> str:
    """What the table of a tab is grouped by without a word: what the tab is about; where one of
    these is chosen already the people, then the days. Empty for tabs without a table."""
    wanted = (BY[tab], "user", "day") if tab in BY else ("",)
    return next(by for by in wanted if state.given.get(words.parameter(by)) in (None, ANY))


def grouped_by(state: TelemetryState) -> str:
    """Raises BadParameter."""
    by = state.rest.get("group_by", usual(state, state.tab))
    if by not in words.GROUPS:
        raise BadParameter("group_by", by, "one of " + ", ".join(words.GROUPS))
    return by


def sorted_by(state: TelemetryState, by: str) -> str:
    """Raises BadParameter."""
    return telemetry.sort_of(state.sort or (OF_DAYS if by == "day" else ORDER), by)


def read(reading: Reading) -> dict[str, Any]:
    """One page of groups. `whole`: calls of all of them, of which each is a share; `name`: what
    they are; `groups`: what else there is to group by; `pinned`: how the calls ended is a part of
    the filter, so that there is no rate; `links` to the pages beside this one."""
    state = reading.state
    by = grouped_by(state)
    sort = sorted_by(state, by)
    found = telemetry.query(reading.reader, reading.filter, by, sort, ROWS, state.offset)
    whole = telemetry.kpis(reading.reader, reading.filter)["events_total"]
    most = max((row["invocations"] for row in found["rows"]), default=1)
    return {
        **found,
        "rows": [_row(reading, by, row, whole, most) for row in found["rows"]],
        "whole": whole,
        "by": by,
        "name": words.GROUPS[by],
        "sort": sort,
        "columns": _columns(words.GROUPS[by]),
        "groups": words.GROUPS,
        "usual": usual(state, state.tab),
        "pinned": {"outcome", "only_errors"} & state.given.keys(),
        "links": _links(state, found),
    }


def _columns(name: str) -> tuple[Column, ...]:
    return (
        Column(name, "bucket", right=False),
        Column("Calls", "invocations", right=False),
        Column("People", "distinct_users", wide=True),
        Column("Sessions", "distinct_sessions", wide=True),
        Column("Errors", "error_rate", "Sorted by what is sure of the rate; few calls come last"),
        *OUTCOMES,
        Column("First", "first_at", wide=True),
        Column("Last", "last_at", wide=True),
    )


def _row(reading: Reading, by: str, row: Row, whole: int, most: int) -> Row:
    state, asks = reading.state, narrowing(reading, by, row["bucket"])
    on = all(state.given.get(name) == text for name, text in asks.items() if text)
    url = state.url(**(dict.fromkeys(asks) if on else asks))
    return {
        **row,
        **_named(reading, by, row["bucket"]),
        "on": on,
        "url": url,
        "failed": state.url(**{**asks, "outcome": "error"}),
        "share": row["invocations"] / whole if whole else 0.0,
        "bar": round(100 * row["invocations"] / most, 2),
        "others": [(one, row[one.by]) for one in OUTCOMES],
    }


def _named(reading: Reading, by: str, value: str | None) -> dict[str, str]:
    """`name`, and `title` for what it leaves out: two people may be called alike."""
    email, name = reading.reader.name(value) if by == "user" else (None, None)
    label = name or email or words.label(by, value)
    return {"name": label, "title": email if email and email != label else label}


def narrowing(reading: Reading, by: str, value: str | None) -> dict[str, str | None]:
    """The parameters of a filter for the calls of one group; of a day, what the window has of
    it."""
    if by != "day" or value is None:
        return {words.parameter(by): "none" if value is None else value}
    since, until = telemetry.ends(reading.filter)
    start = datetime.combine(date.fromisoformat(value), time())
    end = start + timedelta(days=1) - timedelta(milliseconds=1)
    ends = {"since": iso(max(start, since)), "until": iso(min(end, until))}
    return {**ends, "since_minutes": None}


def _links(state: TelemetryState, found: Row) -> dict[str, str]:
    links = {}
    if state.offset:
        before = max(0, state.offset - ROWS)
        links["first"] = state.url()
        links["previous"] = state.url(offset=str(before) if before else None)
    if found["next_offset"] is not None:
        links["next"] = state.url(offset=str(found["next_offset"]))
    return links
