"""Their sessions, a page of them at a time."""

from __future__ import annotations

from typing import Any

from console import links, sessions
from console.pages import visits
from console.pages.person.reading import Reading
from console.pages.person.state import MONTH, NEWEST
from console.pages.person.who import asks_reason, of_sessions

ROWS = 50


def read(reading: Reading) -> dict[str, Any]:
    """One page of the list. `replay` gives a session's address; `files`, below which each is
    taken, or None where a reason must be said first; `next`, `prev`: offsets."""
    state = reading.state
    sort = sessions.sort_of(state.sort or NEWEST)
    found = sessions.page(
        reading.reader, reading.filter, sort=sort, limit=ROWS, offset=state.offset
    )
    return {
        **found,
        "sort": sort,
        "replay": lambda file: _replay(reading, sort, file),
        "files": None if asks_reason(reading) else of_sessions(reading),
        "prev": max(state.offset - ROWS, 0) if state.offset else None,
    }


def _replay(reading: Reading, sort: str, session_file: str) -> str:
    """A session's replay, which walks on through this very list."""
    given = {"since_minutes": MONTH, **reading.state.given, "sort": sort}
    if {"since", "until"} & reading.state.given.keys():
        given.pop("since_minutes")
    if not reading.own:
        given["user_id"] = reading.owner
    return links.replay(session_file, own=reading.own, query=visits.url(given).removeprefix("?"))
