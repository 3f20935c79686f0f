"""When things happen: office hours in several time zones, quiet weekends, bursts, outages, slow
periods.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from ingest.seed.draws import HOUR, SECOND, Flags, Floats, Ints, Random, source, weighted

DAYS = 30
_MINUTE = 60 * SECOND
# How busy each hour of a working day is, midnight first, in the time of the person.
_HOURS = (
    *(0.02, 0.01, 0.01, 0.01, 0.01, 0.03, 0.08, 0.25, 0.7, 1.0, 1.1, 1.1),
    *(0.6, 0.8, 1.1, 1.0, 0.9, 0.6, 0.3, 0.2, 0.15, 0.1, 0.06, 0.03),
)
_WEEKDAYS = (1.0, 1.1, 1.05, 1.0, 0.8, 0.12, 0.08)  # Monday first
_BURSTS = 6
_MONDAY = 3  # the first of January 1970 was a Thursday


@dataclass(frozen=True)
class Window:
    """The time that is filled, in microseconds: from `start` up to, not including, `end`."""

    start: int
    end: int

    @classmethod
    def before(cls, until: datetime) -> Window:
        """The 30 days before `until` (naive UTC, or with a zone)."""
        aware = until.replace(tzinfo=UTC) if until.tzinfo is None else until
        end = round((aware - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(microseconds=1))
        return cls(end - DAYS * 24 * HOUR, end)

    @property
    def length(self) -> int:
        return self.end - self.start

    def pulled_back(self, times: Ints, groups: Ints) -> Ints:
        """`times`, each group (of these sizes) that runs past the end moved back as a whole."""
        if len(times) == 0:
            return times
        last = np.maximum.reduceat(times, np.cumsum(groups) - groups)
        moved: Ints = times - np.repeat(np.maximum(last - (self.end - 1), 0), groups)
        return moved


@dataclass(frozen=True)
class Spells:
    """Stretches of time, sorted, not overlapping."""

    starts: Ints
    ends: Ints

    @classmethod
    def of(cls, pairs: Sequence[tuple[int, int]]) -> Spells:
        apart: list[tuple[int, int]] = []
        for start, end in sorted(pairs):
            if not apart or start >= apart[-1][1]:
                apart.append((start, end))
        both = np.array(apart, np.int64).reshape(-1, 2)
        return cls(both[:, 0], both[:, 1])

    def holds(self, times: Ints) -> Flags:
        if len(self.starts) == 0:
            return np.zeros(len(times), np.bool_)
        at = np.searchsorted(self.starts, times, side="right") - 1
        inside = times < self.ends[np.maximum(at, 0)]
        return (at >= 0) & inside


@dataclass(frozen=True)
class Rhythm:
    """The shape of the 30 days: what was down, what was slow, which hours were wild."""

    window: Window
    outages: Spells
    slow: Spells
    bursts: Floats  # a factor for each hour of the window

    @classmethod
    def of(cls, seed: int, window: Window) -> Rhythm:
        rng = source(seed, "rhythm")
        bursts = np.ones(DAYS * 24)
        bursts[rng.integers(0, DAYS * 24, _BURSTS)] = 6.0
        recent = window.end - int(rng.uniform(3, 16) * HOUR)  # one within the last day's view
        outages = [(recent, recent + int(rng.uniform(15, 35)) * _MINUTE)]
        outages += _spells(rng, window, 3, (20, 90))
        return cls(
            window, Spells.of(outages), Spells.of(_spells(rng, window, 6, (60, 240))), bursts
        )

    def office(self, rng: Random, zones: Ints) -> Ints:
        """One moment for each person, in their working hours; `zones` in minutes east of UTC."""
        times = np.zeros(len(zones), np.int64)
        for zone in np.unique(zones):
            here = np.flatnonzero(zones == zone)
            slots = weighted(rng, self._busy(int(zone)), len(here))
            times[here] = self.window.start + ((slots + rng.random(len(here))) * HOUR).astype(
                np.int64
            )
        return np.minimum(times, self.window.end - 1)

    def steady(self, rng: Random, n: int, *, jitter: float = 0.3) -> Ints:
        """`n` moments at even distances, each a little early or late; the last one just before the
        end.
        """
        if n == 0:
            return np.zeros(0, np.int64)
        step = self.window.length / n
        places = np.arange(n) + 0.5 + jitter * (rng.random(n) - 0.5)
        times = self.window.start + (places * step).astype(np.int64)
        times[-1] = max(int(times[-1]), self.window.end - int(rng.integers(20, 50)) * SECOND)
        return times

    def _busy(self, zone: int) -> Floats:
        starts = self.window.start + np.arange(DAYS * 24) * HOUR + zone * _MINUTE
        hours = (starts // HOUR) % 24
        days = (starts // (24 * HOUR) + _MONDAY) % 7
        busy: Floats = np.asarray(_HOURS)[hours] * np.asarray(_WEEKDAYS)[days] * self.bursts
        return busy


def _spells(rng: Random, window: Window, n: int, minutes: tuple[int, int]) -> list[tuple[int, int]]:
    starts = window.start + (rng.random(n) * 0.95 * window.length).astype(np.int64)
    lengths = rng.integers(minutes[0], minutes[1], n) * _MINUTE
    return [
        (int(start), int(start + length)) for start, length in zip(starts, lengths, strict=True)
    ]
