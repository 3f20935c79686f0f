"""The histogram above the table: what happened when, and the way into a shorter or longer window.

Bars stand at their real time. The first and the last are cut where the window is, so that a zoom
never asks for more than is shown, and their figures are those of the list behind them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import cached_property
from typing import Any

from console import activity
from console.pages.activity.links import filled
from console.pages.activity.reading import Reading
from console.pages.activity.state import ActivityState
from console.queries import typed_words
from console.queries.window import FIRST_YEAR, MAX_MINUTES

WIDTH, HEIGHT = 1000, 100  # of the drawing, which is stretched to its place
_LEAST = 3  # height of what is there, however little
_GAP = 0.12  # between bars, of a bar's width
_MOMENT = timedelta(microseconds=1)  # a window holds both its ends; bars do not share one
_LABELS = 9
_BOUND = re.compile(r"(?i)(since|until):")
_STEPS = tuple(
    timedelta(seconds=seconds)
    for seconds in (1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 10800, 21600, 43200)
) + tuple(timedelta(days=days) for days in (1, 2, 5, 7, 14, 30, 90, 365))


@dataclass(frozen=True)
class Bar:
    """`since` and `until` are both part of the bar, as of every window."""

    since: datetime
    until: datetime
    total: int
    error: int
    x: float
    width: float
    height: float
    error_height: float

    @property
    def end(self) -> datetime:
        """Where it ends, as people say it: at the beginning of the next."""
        return self.until + _MOMENT if self.until.microsecond == 999_999 else self.until

    @property
    def window(self) -> tuple[str, str]:
        """As a URL says it."""
        return iso(self.since), iso(self.until)


@dataclass(frozen=True)
class Label:
    at: datetime
    left: float  # percent
    text: str


@dataclass(frozen=True)
class Histogram:
    since: datetime
    until: datetime
    bars: Sequence[Bar]

    @property
    def window(self) -> tuple[str, str]:
        return iso(self.since), iso(self.until)

    @cached_property
    def total(self) -> int:
        return sum(bar.total for bar in self.bars)

    @cached_property
    def error(self) -> int:
        return sum(bar.error for bar in self.bars)

    @cached_property
    def highest(self) -> Bar:
        return max(self.bars, key=lambda bar: bar.total)

    @cached_property
    def labels(self) -> list[Label]:
        """A few round times, none so near an edge that it would be cut."""
        span = max(self.until - self.since, _MOMENT)
        longest = _STEPS[-1]
        step = next((step for step in _STEPS if span <= step * _LABELS), longest)
        step *= -(-span // (step * _LABELS))
        found = []
        for at in _round_times(self.since, self.until, step):
            left = 100 * ((at - self.since) / span)
            if 3 <= left <= 97:
                found.append(Label(at, round(left, 2), at.strftime(_form(at, step))))
        return found

    @property
    def days(self) -> bool:
        """Whether a bar's time needs its day beside it."""
        return self.since.date() != self.until.date()


def read(reading: Reading) -> dict[str, Any] | None:
    """`chart`; `zoom`: the query of a window in it; `out`: of one twice as long. None without a
    window to draw."""
    since, until = reading.filter.since, reading.filter.until
    if since is None or until is None:
        return None
    found = activity.histogram(reading.reader, reading.filter)
    step = timedelta(seconds=found["bucket_seconds"])
    chart = Histogram(since, until, list(_bars(found["buckets"], step, since, until)))
    zoom = filled(reading.state, "since", "until", **_without_bounds(reading.state))
    return {"chart": chart, "zoom": zoom, "out": _out(reading, since, until)}


def _bars(
    buckets: Sequence[dict[str, Any]], step: timedelta, since: datetime, until: datetime
) -> Iterator[Bar]:
    span = max(until - since, _MOMENT)
    highest = max((bucket["total"] for bucket in buckets), default=0) or 1
    for bucket in buckets:
        first, last = max(bucket["ts"], since), min(bucket["ts"] + step - _MOMENT, until)
        if last < first:
            continue
        total, error = bucket["total"], bucket["error"]
        height = max(_LEAST, HEIGHT * total / highest) if total else 0.0
        error_height = min(height, max(_LEAST, HEIGHT * error / highest)) if error else 0.0
        width = max(WIDTH * ((last - first) / span), 0.1)
        x = WIDTH * ((first - since) / span)
        yield Bar(
            first,
            last,
            total,
            error,
            round(x, 2),
            round(width * (1 - _GAP), 2),
            round(height, 2),
            round(error_height, 2),
        )


def _form(at: datetime, step: timedelta) -> str:
    if step >= timedelta(days=90):
        return "%b %Y"
    if step >= timedelta(days=1):
        return "%d %b"
    if at.time() == time.min:
        return "%d %b %H:%M"  # a midnight of UTC is none in most zones
    return "%H:%M:%S" if at.second else "%H:%M"


def _round_times(since: datetime, until: datetime, step: timedelta) -> Iterator[datetime]:
    zero = datetime(1970, 1, 4)  # a Sunday's midnight: steps of whole weeks begin there
    place = (zero - since) % step
    while place <= until - since:
        yield since + place
        place += step


def _out(reading: Reading, since: datetime, until: datetime) -> str | None:
    """Twice the window around its middle, not beyond now; a relative window stays one."""
    if _window_is_relative(reading):
        minutes = 2 * max(activity.window_minutes(reading.filter), 1)
        if minutes <= MAX_MINUTES:
            return reading.state.url(since_minutes=str(minutes))
    half = (until - since) / 2
    try:
        later = (until + half + timedelta(seconds=1)).replace(microsecond=0)
        later = min(later, max(reading.at, until))
        earlier = max(later - 4 * half, datetime(FIRST_YEAR, 1, 1))
    except OverflowError:  # all of time is shown
        return None
    window = {"since": iso(earlier.replace(microsecond=0)), "until": iso(later)}
    return reading.state.url(**_without_bounds(reading.state), **window)


def _without_bounds(state: ActivityState) -> dict[str, str | None]:
    """What must change so that a chosen window is the only one."""
    typed = typed_words.words(state.given.get("query", ""))
    rest = [word for word in typed if not _BOUND.match(word)]
    return {"query": " ".join(rest), "since_minutes": None}


def iso(at: datetime) -> str:
    """The moment itself, as short as it can be written."""
    places = "microseconds" if at.microsecond else "seconds"
    return at.isoformat(timespec=places) + "Z"


def _window_is_relative(reading: Reading) -> bool:
    given = reading.state.given
    bounded = any(_BOUND.match(word) for word in typed_words.words(given.get("query", "")))
    return not bounded and "since" not in given and "until" not in given
