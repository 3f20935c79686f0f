"""The events of one correlation id as bars: when each began and how long it took."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

WIDE = 1000  # units of the drawing
_THIN = 8  # of a bar that would be too short to be seen


@dataclass(frozen=True)
class Bar:
    """`x` and `width` in units of the drawing."""

    event: Mapping[str, Any]
    x: float
    width: float


def bars(events: Sequence[Mapping[str, Any]]) -> list[Bar]:
    """In the order of their beginnings. A row of the log is written when the thing is over, so its
    beginning is its time without its duration."""
    spans = []
    for event in events:
        end = event["timestamp"]
        spans.append((end - timedelta(milliseconds=event["duration_ms"] or 0), end, event))
    spans.sort(key=lambda span: (span[0], span[0] - span[1], span[2]["id"]))  # the longer one first
    if not spans:
        return []
    first, last = spans[0][0], max(end for _, end, _ in spans)
    all_of_it = max((last - first) / timedelta(milliseconds=1), 1)
    found = []
    for start, end, event in spans:
        width = max(_THIN, (end - start) / timedelta(milliseconds=1) / all_of_it * WIDE)
        x = (start - first) / timedelta(milliseconds=1) / all_of_it * WIDE
        found.append(Bar(event, round(min(x, WIDE - width), 1), round(width, 1)))
    return found
