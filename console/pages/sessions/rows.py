"""The list of sessions, a page of it at a time."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from console import links, sessions
from console.identity.rights import ADMIN, may
from console.jobs import board
from console.pages import visits
from console.pages.sessions.reading import Reading
from console.pages.sessions.state import SessionsState
from console.queries.sessions import ANCHORS
from console.sessions import Row

ROWS = 50
_NAMED = 8  # characters of a file's name: enough to tell ids apart
_UUID = re.compile(r"[0-9a-f]{8}-")


@dataclass(frozen=True)
class Column:
    """`by` is what the server sorts by, if it can; `is_number` stands to the right; `says` is more
    than the title has room for."""

    key: str
    title: str
    by: str | None
    is_number: bool = False
    says: str = ""


def columns(anchor: str) -> tuple[Column, ...]:
    when = Column("time", anchor.capitalize(), ANCHORS[anchor])
    return (
        Column("verdict", "Verdict", None),
        Column("who", "Who", "user"),
        Column("session", "Session", None),
        when,
        Column("model", "Model", "model"),
        _figure("findings", "Findings", "findings", "What went wrong, by the failure scan"),
        _figure("calls", "Errors", "tool_errors", "Tool calls that failed, of all"),
        _figure("tokens", "Tokens", "tokens", "In and out, without what a cache held"),
        _figure("active", "Active", "active_seconds", "Without breaks of over ten minutes"),
        _figure("took", "Duration", None, "From the first record to the last"),
    )


def _figure(key: str, title: str, by: str | None, says: str) -> Column:
    return Column(key, title, by, is_number=True, says=says)


def read(reading: Reading) -> dict[str, Any]:
    """`rows`, each with its `at` (the anchor's time), `short` name, `href`, `kinds` (of findings)
    and, until it was judged, its `standing`; `total`, `offset`; the queries of the pages
    beside."""
    state, filter = reading.state, reading.filter
    page = sessions.page(reading.reader, filter, sort=reading.sort, limit=ROWS, offset=state.offset)
    keys = [row["session_file"] for row in page["rows"]]
    found = sessions.kinds_of(reading.reader, keys)
    standing = _standings(reading, [row for row in page["rows"] if not row["verdict"]])
    query = visits.url({**state.given, "sort": state.sort})
    return {
        **page,
        "columns": columns(filter.anchor),
        "rows": [
            {
                **row,
                "at": row[ANCHORS[filter.anchor]],
                "short": short(row["session_file"]),
                "kinds": found.get(row["session_file"], []),
                "href": _href(row["session_file"], query, found.get(row["session_file"], [])),
                "standing": standing.get(row["session_file"]),
            }
            for row in page["rows"]
        ],
        "prev": _offset(state, max(0, state.offset - ROWS)) if state.offset else None,
        "next": _offset(state, page["next_offset"]) if page["next_offset"] else None,
        "may_see_jobs": may(reading.caller.me, ADMIN),
    }


def _offset(state: SessionsState, offset: int) -> str:
    return state.url(offset=str(offset) if offset else None)


def short(session_file: str) -> str:
    """The end of a name that tells it from others: a UUID's first part, else the last letters."""
    name = session_file.partition("/")[2].removesuffix(".jsonl")
    if len(name) <= _NAMED + 1:
        return name
    return f"{name[:_NAMED]}…" if _UUID.match(name) else f"…{name[-_NAMED:]}"


def _href(session_file: str, query: str, kinds: list[Row]) -> str:
    """The replay, at the first finding where there is one; it knows the list that led to it."""
    turn = min((kind["turn"] for kind in kinds if kind["turn"] is not None), default=None)
    path, hash, place = links.replay(session_file, turn).partition("#")
    return path + (query if query != "?" else "") + hash + place


def _standings(reading: Reading, rows: Iterable[Row]) -> dict[str, Row]:
    """Why these were not judged yet: `{says, aside}`, where `aside` has the processor that gave
    up, how often it tried and why."""
    waiting = [row["session_file"] for row in rows]
    if not waiting:
        return {}
    instance = reading.reader.instance
    aside = {row["session_file"]: row for row in board.set_aside(instance)}
    found = {}
    for key in waiting:
        says = "being read" if instance.claims.holds(key) else "waiting"
        found[key] = {"says": "set aside" if key in aside else says, "aside": aside.get(key)}
    return found
