"""Figures over time, in memory: two hours, one sample each half minute. A restart begins anew."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import psutil

from console.audit import now

if TYPE_CHECKING:
    from console.instance import Instance

EVERY = 30.0  # seconds
_KEPT = 240
_SET = 2.0  # seconds by which clock and time may differ within one beat; more: it was set


@dataclass(frozen=True)
class Sample:
    """`memory` of the server's process in bytes; `commits` since its start; `monotonic` in
    seconds."""

    at: datetime
    monotonic: float
    memory: int
    commits: int
    waiting: int


class Samples:
    """The newest last."""

    def __init__(self) -> None:
        self.all: deque[Sample] = deque(maxlen=_KEPT)
        self.clock_jumps: deque[float] = deque(maxlen=16)  # seconds, forward above 0
        self._process = psutil.Process()

    def current(self, instance: Instance) -> Sample:
        """As it is now, not kept. Costs some microseconds, and asks no table."""
        store = instance.store
        memory = self._process.memory_info().rss
        return Sample(now(), time.monotonic(), memory, store.version(), store.waiting)

    def take(self, instance: Instance) -> Sample:
        """One more."""
        sample = self.current(instance)
        if self.all:
            jump = self._jump(self.all[-1], sample)
            if abs(jump) > _SET:
                self.clock_jumps.append(jump)
        self.all.append(sample)
        return sample

    def rate(self, last: Sample, seconds: float = 300.0) -> float | None:
        """Commits a second in the minutes before `last`; None without an older sample."""
        near = (one for one in list(self.all) if 0 < last.monotonic - one.monotonic <= seconds)
        first = next(near, None)
        if first is None:
            return None
        return (last.commits - first.commits) / (last.monotonic - first.monotonic)

    async def forever(self, instance: Instance) -> None:
        """Until it is cancelled."""
        while True:
            self.take(instance)
            await asyncio.sleep(EVERY)

    @staticmethod
    def _jump(before: Sample, after: Sample) -> float:
        return (after.at - before.at).total_seconds() - (after.monotonic - before.monotonic)
