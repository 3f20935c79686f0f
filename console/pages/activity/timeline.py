"""The list of events, a page of it at a time."""

from __future__ import annotations

from typing import Any

from console import activity
from console.pages.activity.reading import Reading
from console.queries.window import moment

ROWS = 50


def read(reading: Reading) -> dict[str, Any]:
    """`rows`, and `next`: the query of the page after them, if there is one."""
    state = reading.state
    ts, id = state.cursor
    start = moment("cursor_ts", ts) if ts else None
    by = activity.order(state.sort or None, start, id or None, reading.reader)
    page = activity.timeline(reading.reader, reading.filter, by, ROWS)
    following = None
    if page.next is not None:
        at = page.next["ts"].isoformat() + "Z"
        following = state.url(cursor_ts=at, cursor_id=page.next["id"])
    return {"rows": page.rows, "next": following}


def fresh(reading: Reading) -> int:
    return 0
