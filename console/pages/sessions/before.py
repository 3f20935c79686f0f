"""What the cards are compared with: the same filter in the window of the same length before."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Literal

from console import sessions
from console.pages.before import Before
from console.pages.sessions.reading import Reading
from console.queries.sessions import SessionFilter, counted

_TICK = timedelta(microseconds=1)  # a window holds both of its ends


def read(reading: Reading) -> Before | Literal[False]:
    """False where the window before has no sessions, or begins before there were any; None would
    say that it is still to be read."""
    filter = reading.filter
    if filter.since is None or filter.until is None:
        return False
    try:
        start = filter.since - (filter.until - filter.since)
    except OverflowError:
        return False
    found = sessions.kpis(reading.reader, replace(filter, since=start, until=filter.since - _TICK))
    if not found["sessions_total"]:
        return False
    (older,) = reading.reader.ask(
        counted, reading.reader.seen, SessionFilter(filter.anchor, until=start)
    )
    return Before(found) if older["total"] else False
