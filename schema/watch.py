"""What the store is doing: how many readers are busy, and which questions were slow."""

from __future__ import annotations

import contextlib
import itertools
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

SLOW = 0.1  # seconds from which on a question is remembered
_KEPT = 500


@dataclass(frozen=True)
class Slow:
    """One question that took long: its name, when it began (naive UTC), how long (ms)."""

    question: str
    at: datetime
    duration_ms: int


class Watch:
    """Costs a microsecond a question. Its figures are good enough to look at, no more: nothing is
    locked."""

    def __init__(self) -> None:
        self.slow: deque[Slow] = deque(maxlen=_KEPT)
        self._marks = itertools.count()
        self._busy: set[int] = set()

    @property
    def busy(self) -> int:
        """Readers at work."""
        return len(self._busy)

    def begin(self) -> int:
        mark = next(self._marks)
        self._busy.add(mark)
        return mark

    def end(self, mark: int) -> None:
        self._busy.discard(mark)

    @contextlib.contextmanager
    def timed(self, question: object) -> Iterator[None]:
        """Remembers the block, if it is slow, as the time of `question`."""
        begun = time.perf_counter()
        try:
            yield
        finally:
            spent = time.perf_counter() - begun
            if spent >= SLOW:
                at = datetime.now(UTC).replace(tzinfo=None)
                self.slow.append(Slow(named(question), at, round(spent * 1000)))


def named(question: object) -> str:
    """A question by its module and name; `expression` for one that has none."""
    name = getattr(question, "__qualname__", None)
    if name is None:
        return "expression"
    room = getattr(question, "__module__", "").rpartition(".")[2]
    return f"{room}.{name}"
