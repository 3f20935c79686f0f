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


def rounded(value: float | None) -> str:
    """A large number for a narrow place: 950, 12.3 k, 412 k, 1.2 M."""
    if value is None:
        return "–"
    size, unit = float(value), ""
    for larger in ("k", "M", "G"):
        if round(size, 0 if not unit or size >= 99.95 else 1) < 1000:
            break
        size, unit = size / 1000, larger
    if not unit:
        return f"{size:,.0f}"
    return f"{size:.0f} {unit}" if size >= 99.95 else f"{size:.1f} {unit}"


def lasted(seconds: float | None) -> str:
    """How long something went on: 45 s, 24 min, 2 h 05 min, 3 d 4 h."""
    if seconds is None:
        return "–"
    if round(seconds) < 60:
        return f"{round(seconds)} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes:02} min"
    return f"{hours // 24} d {hours % 24} h"
