"""Their sessions, a page of them at a time."""

from __future__ import annotations

from typing import Any

from console import links, sessions
from console.pages import visits
from console.pages.person.reading import Reading
from console.pages.person.state import MONTH, NEWEST
from console.pages.person.who import asks_reason, of_sessions
from console.pages.sessions.words import NAMES, label
from console.queries.audit_grammar import WINDOW
from console.sessions import Row

ROWS = 50


def read(reading: Reading) -> dict[str, Any]:
    """One page of the list; each row with the `kinds` of its findings and `href`, its replay at the
    first of them. `chips`: what is asked for beside the window, each with the query without it.
    `files`: the address below which each is taken, None where a reason must be said
    first; `next_offset`, `prev`: the pages beside."""
    state, reader = reading.state, reading.reader
    sort = sessions.sort_of(state.sort or NEWEST)
    page = sessions.page(reader, reading.filter, sort=sort, limit=ROWS, offset=state.offset)
    keys = [row["session_file"] for row in page["rows"]]
    kinds = sessions.kinds_of(reader, keys)
    query = _query(reading, sort)

    def shown(row: Row) -> Row:
        found = kinds.get(row["session_file"], [])
        turn = next((kind["turn"] for kind in found if kind["turn"] is not None), None)
        href = links.replay(row["session_file"], turn, own=reading.own, query=query)
        return {**row, "kinds": found, "href": href}

    return {
        **page,
        "rows": [shown(row) for row in page["rows"]],
        "sort": sort,
        "chips": [
            (NAMES.get(name, name.replace("_", " ")), label(name, text), state.url(**{name: None}))
            for name, text in state.given.items()
            if name not in WINDOW
        ],
        "files": None if asks_reason(reading) else of_sessions(reading),
        "prev": max(state.offset - ROWS, 0) if state.offset else None,
    }


def _query(reading: Reading, sort: str) -> str:
    """What makes a replay walk on through this very list."""
    given = {"since_minutes": MONTH, **reading.state.given, "sort": sort}
    if {"since", "until"} & reading.state.given.keys():
        given.pop("since_minutes")
    if not reading.own:
        given["user_id"] = reading.owner
    return visits.url(given).removeprefix("?")
