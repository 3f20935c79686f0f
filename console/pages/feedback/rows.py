"""The list of groups, a page of it at a time, and what is new above it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from console import links
from console.feedback import reading as feedback
from console.feedback.reading import Page
from console.handler import cursor, flag
from console.pages.feedback.reading import NEWEST, Reading
from console.pages.render import iso
from console.queries.window import moment
from schema.errors import BadParameter

ROWS = 50


@dataclass(frozen=True)
class Column:
    """`by` is what the server sorts by, if it can."""

    key: str
    title: str
    by: str | None = None


COLUMNS = (
    Column("status", "Status", "status"),
    Column("what", "Report"),
    Column("count", "Reports", "duplicates"),
    Column("trend", "30 days"),
    Column("time", "Latest", "last_at"),
    Column("who", "Looked after by"),
)
SORTS = (
    ("last_at", "Latest report"),
    ("created_at", "First report"),
    ("updated_at", "Last change"),
    ("duplicates", "Reports"),
    ("reporters", "Reporters"),
    ("status", "Status"),
    ("category", "Category"),
)


def read(reading: Reading) -> dict[str, Any]:
    """`rows`, each with its `href` and the `trend` of its group; `top`: when they were read;
    `next` and `prev`: the queries of the pages beside this one."""
    page = _page(reading)
    trends = feedback.trends(reading.reader, [row["id"] for row in page.rows])
    query = reading.state.url()
    return {
        "columns": COLUMNS,
        "rows": [
            {**row, "trend": trends[row["id"]], "href": links.report(row["id"]) + query}
            for row in page.rows
        ],
        "total": page.total,
        "top": iso(reading.at),
        "next": _link(reading, page.next),
        "prev": _link(reading, page.prev, newer="true"),
    }


def _page(reading: Reading) -> Page:
    """The page that is asked for. Going back one reaches the first page as it is now, not the few
    rows that are left of it."""
    state, reader = reading.state, reading.reader
    newer = flag(state.rest, "newer")
    by = feedback.order(reader, reading.sort, *cursor(state.cursor), newer=newer)
    page = feedback.listing(reader, reading.filter, by, ROWS)
    if newer and page.prev is None and len(page.rows) < ROWS:
        first = feedback.order(reader, reading.sort, None, None)
        return feedback.listing(reader, reading.filter, first, ROWS)
    return page


def _link(reading: Reading, place: dict[str, Any] | None, **more: str) -> str | None:
    if place is None:
        return None
    return reading.state.url(cursor_ts=iso_exact(place["ts"]), cursor_id=place["id"], **more)


def iso_exact(at: Any) -> str:
    return f"{at.isoformat()}Z"


def fresh(reading: Reading) -> dict[str, Any]:
    """`total` groups that match, with how many `reports`; `new`: reports that came since the list
    was read, where that stands at its newest page."""
    found = feedback.kpis(reading.reader, reading.filter)
    return {
        "total": found["groups"],
        "reports": found["reports"],
        "is_open": reading.is_open,
        "sorts": SORTS,
        "sort": reading.sort,
        "new": _new(reading),
    }


def _new(reading: Reading) -> int:
    top = reading.state.rest.get("top")
    newest = reading.sort == NEWEST and not reading.state.cursor
    if not (reading.beat and top and newest and reading.is_open):
        return 0
    try:
        since = moment("top", top)
    except BadParameter:  # somebody wrote the address by hand
        return 0
    later = replace(reading.filter, since=max(since, reading.filter.since or since))
    return int(feedback.kpis(reading.reader, later)["reports"])
