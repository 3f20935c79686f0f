"""Figures as people read them, in pages and in charts."""

from __future__ import annotations


def number(value: float | None) -> str:
    return "–" if value is None else f"{value:,}"


def percent(share: float, places: int = 1) -> str:
    return f"{share * 100:.{places}f} %"


def duration(milliseconds: float | None) -> str:
    """120 ms, 1.4 s, 3.0 min."""
    if milliseconds is None:
        return "–"
    if milliseconds < 1000:
        return f"{milliseconds:.0f} ms"
    seconds = milliseconds / 1000
    return f"{seconds:.1f} s" if seconds < 120 else f"{seconds / 60:.1f} min"


def span(minutes: int) -> str:
    """A length of time in the largest unit that divides it: 24 h, 7 d, 90 min."""
    for unit, size in (("d", 1440), ("h", 60)):
        if minutes % size == 0 and minutes > size:
            return f"{minutes // size} {unit}"
    return f"{minutes} min" if minutes != 60 else "1 h"
