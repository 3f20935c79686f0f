"""The list of events, a page of it at a time, and what is new above it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from console import activity
from console.activity import Page
from console.handler import cursor
from console.pages.activity.links import filled, toggling
from console.pages.activity.reading import Reading
from console.pages.activity.state import ActivityState
from console.queries.window import moment
from schema.errors import BadParameter

ROWS = 50
NEWEST = ("", "timestamp:desc")


@dataclass(frozen=True)
class Column:
    """`by` is what the server sorts by, if it can. Widths in pixels, of `elastic` ones the least:
    they share what is left. `shown` by default."""

    key: str
    title: str
    by: str | None
    width: int
    shown: bool = True
    elastic: bool = False


COLUMNS = (
    Column("time", "Time", "timestamp", 130),
    Column("user", "User", "user_id", 110),
    Column("via", "Via", "source", 80),
    Column("kind", "Client kind", "client_kind", 104, shown=False),
    Column("action", "Action", "action", 140, elastic=True),
    Column("result", "Result", "result", 134),
    Column("class", "Result class", "result_class", 110, shown=False),
    Column("resource", "Resource", "resource", 120, elastic=True),
    Column("ms", "ms", "duration_ms", 70),
    Column("ip", "IP", "client_ip", 124, shown=False),
    Column("correlation", "Correlation", "correlation_id", 150, shown=False),
    Column("params", "Parameters", None, 300, shown=False),
)
LEAST_WIDTH = sum(column.width for column in COLUMNS if column.shown)


def read(reading: Reading) -> dict[str, Any]:
    """`rows`; `before`: how many stand before them; `top`: their first row, for the next beat;
    `next` and `prev`: the queries of the pages beside this one, if there are such."""
    state = reading.state
    page, is_first = _page(reading)
    before = 0
    if page.rows and not is_first:
        first = page.rows[0]
        here = activity.order(state.sort or None, first["timestamp"], first["id"], reading.reader)
        before = activity.preceding(reading.reader, reading.filter, here)
    return {
        "columns": COLUMNS,
        "least": LEAST_WIDTH,
        "rows": page.rows,
        "before": before,
        "top": _top(page, reading),
        "next": _link(state, page.next),
        "prev": _link(state, page.prev, newer="1") if before else None,
        "open": filled(state, "row"),
        "toggled": toggling(state),
    }


def _page(reading: Reading) -> tuple[Page, bool]:
    """The page that is asked for, and whether it is the first. Going back one reaches the first
    page as it is now, not the few rows that are left of it."""
    state, reader = reading.state, reading.reader
    ts, id = state.cursor
    given = {name: text for name, text in (("cursor_ts", ts), ("cursor_id", id)) if text}
    by = activity.order(state.sort or None, *cursor(given), reader, newer=state.newer)
    page = activity.timeline(reader, reading.filter, by, ROWS)
    if not state.newer or page.prev is not None:
        return page, state.is_first_page
    if len(page.rows) < ROWS:
        by = activity.order(state.sort or None, None, None, reader)
        page = activity.timeline(reader, reading.filter, by, ROWS)
    return page, True


def _top(page: Page, reading: Reading) -> str:
    """The place of the first row; of an empty list the moment at which it was read."""
    if not page.rows:
        return f"{_iso(reading.at)},"
    return f"{_iso(page.rows[0]['timestamp'])},{page.rows[0]['id']}"


def _link(state: ActivityState, place: dict[str, Any] | None, **more: str) -> str | None:
    if place is None:
        return None
    return state.url(cursor_ts=_iso(place["ts"]), cursor_id=place["id"], **more)


def _iso(at: Any) -> str:
    return f"{at.isoformat()}Z"


@dataclass(frozen=True)
class Fresh:
    """What is said above the list. `before`: how many rows stand before its first one now; None
    where only the list itself knows."""

    before: int | None
    is_open: bool  # a window that ends will never hold anything new
    columns: ClassVar = COLUMNS

    def new(self, state: ActivityState) -> int:
        """How many came since the list was read; only the newest page of the newest first has a
        place for them."""
        waits = self.is_open and state.is_first_page and state.sort in NEWEST
        return (self.before or 0) if waits else 0


def fresh(reading: Reading) -> Fresh:
    is_open = reading.filter.until == reading.at
    return Fresh(_before(reading) if reading.beat else None, is_open)


def _before(reading: Reading) -> int | None:
    ts, _, id = reading.state.top.partition(",")
    if not ts:
        return None
    try:
        sort = reading.state.sort or None
        by = activity.order(sort, moment("top", ts), id, reading.reader)
    except BadParameter:  # the row is gone, or somebody wrote the address by hand
        return None
    return activity.preceding(reading.reader, reading.filter, by)
