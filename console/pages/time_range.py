"""The time range: how long back, or from when to when."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Protocol

from console.queries import typed_words
from console.queries.audit_grammar import WINDOW

SPANS = (
    ("15", "15 min"),
    ("60", "1 h"),
    ("360", "6 h"),
    ("720", "12 h"),
    ("1440", "24 h"),
    ("2880", "2 d"),
    ("10080", "7 d"),
    ("20160", "14 d"),
    ("43200", "30 d"),
)
LONG_SPANS = (*SPANS[3:], ("129600", "90 d"), ("525600", "1 y"))


class _Reading(Protocol):
    """Of a page whose state has `given`, `asks` and `spans`, and whose filter is a window."""

    @property
    def state(self) -> Any: ...
    @property
    def filter(self) -> Any: ...


def read(reading: _Reading) -> dict[str, Any]:
    """What is shown, and what a choice changes.

    `minutes`: a relative range; else None. `since`, `until`: its ends, None where the filter could
    not be read; `is_open`: it reaches until now. `from`, `to`: what a form for an
    absolute one begins with. `query`: the typed query without the bounds typed
    in it, which a range chosen here replaces; `kept`: all else that the page asks for."""
    state, filter = reading.state, reading.filter
    typed = typed_words.words(state.given.get("query", ""))
    bounds = [word.lower() for word in typed if _is_bound(word)]
    query = " ".join(word for word in typed if not _is_bound(word))
    absolute = {name for name in ("since", "until") if name in state.given}
    absolute |= {word[:5] for word in bounds if "-" in word}  # a span has no dash, each date has
    kept = {**state.asks, "query": query}
    ends = _whole(filter.since, filter.until) if not absolute else (filter.since, filter.until)
    return {
        "spans": state.spans,
        "minutes": None if absolute else _minutes(filter.since, filter.until),
        "from": ends[0],
        "to": ends[1],
        "since": filter.since,
        "until": filter.until,
        "is_open": "until" not in absolute,
        "query": query or None,
        "kept": {name: text for name, text in kept.items() if text and name not in WINDOW},
    }


def _minutes(since: datetime | None, until: datetime | None) -> int | None:
    return None if since is None or until is None else round((until - since).total_seconds() / 60)


def _whole(
    since: datetime | None, until: datetime | None
) -> tuple[datetime | None, datetime | None]:
    """The whole minutes around a window that ends now."""
    if since is None or until is None:
        return since, until
    whole = timedelta(seconds=until.second, microseconds=until.microsecond)
    return since - whole, until - whole + timedelta(minutes=1)


def _is_bound(word: str) -> bool:
    return word.lower().startswith(("since:", "until:"))
