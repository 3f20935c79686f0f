"""The tab Queries: what was asked of the data, most often, most slowly, with most failures."""

from __future__ import annotations

from typing import Any

from console import durations
from console.asking import asked_queries
from console.pages.activity.reading import Reading
from console.queries.typed_words import words

ORDERS = (("most", "Most asked"), ("slowest", "Slowest"), ("failing", "Most failing"))
_ALL = "action:query."


def read(reading: Reading) -> dict[str, Any]:
    """The figures, and for each text the query of the events that a search for it finds."""
    sort = reading.state.sort
    found = asked_queries.queries(
        reader=reading.reader, filter=reading.filter, sort=sort, own=reading.own
    )
    for row in found["rows"]:
        row["fragment"] = asked_queries.fragment(row["query"])
        row["events"] = _events(reading, row["fragment"])
    return {**found, "orders": ORDERS, "order": durations.order(sort)}


def _events(reading: Reading, fragment: str | None) -> str:
    """The list of the query events that contain `fragment`. It says its window: a search without
    one would look at more days than the figures were counted over."""
    state = reading.state
    typed = state.given.get("query", "")
    kept = [] if _ALL in words(typed) else [_ALL]
    looked_for = f'"{fragment}"' if fragment else ""
    spans = bool(state.window) or any(word.startswith("since:") for word in words(typed))
    changes: dict[str, str | None] = {} if spans else {"since_minutes": "1440"}
    query = " ".join(filter(None, [typed, *kept, looked_for]))
    return state.url(**changes, tab=None, sort=None, row=None, query=query)
