"""Where the words of the search stand: lines of transcripts, each a way into its session's replay.

The list beside counts sessions, also those of which only the name matches; this counts lines.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from console import links
from console.handler import integer
from console.pages import visits
from console.pages.sessions.reading import Reading
from console.pages.state import FARTHEST
from console.session_filter import without
from console.sessions import Row
from console.transcript import text_search
from ingest.text_query import match_of
from schema.errors import Unavailable

LINES = 10


def read(reading: Reading) -> dict[str, Any] | None:
    """The answer of `text_search.search` with `groups`: the rows of one session together, each with
    its `href`; `prev` and `next`. `failed` says why nothing could be searched. None without a
    search."""
    state = reading.state
    words = state.given.get("q", "")
    if not words:
        return None
    if match_of(words) is None:
        return {"words": words, "failed": None, "total": None}
    offset = integer(state.rest, "lines", 0, 0, FARTHEST)
    ask = partial(text_search.search, reading.reader, words, limit=LINES)
    within = without(reading.filter, "q")
    try:
        found = ask(offset=offset, within=within)
        if offset and not found["rows"]:  # there are fewer than there were
            offset, found = 0, ask(within=within)
    except Unavailable as failed:
        return {"words": words, "failed": failed, "total": None}
    return {
        **found,
        "words": words,
        "failed": None,
        "groups": _groups(reading, found["rows"], words),
        "prev": _at(reading, max(0, offset - LINES)) if offset else None,
        "next": _at(reading, found["next_offset"]) if found["next_offset"] else None,
    }


def _groups(reading: Reading, rows: list[Row], words: str) -> list[Row]:
    """The replay knows the list that its reader comes from, and what to find in it."""
    query = visits.url({**reading.state.asks, "lines": None, "find": words}).removeprefix("?")
    groups: list[Row] = []
    for row in rows:
        if not groups or groups[-1]["session_file"] != row["session_file"]:
            groups.append({**row, "rows": []})
        href = links.replay(row["session_file"], row["turn"], query=query)
        groups[-1]["rows"].append({**row, "href": href})
    return groups


def _at(reading: Reading, offset: int) -> str:
    """The query that shows other lines beside the same page of the list."""
    list_at = str(reading.state.offset) if reading.state.offset else None
    return reading.state.url(lines=str(offset) if offset else None, offset=list_at)
