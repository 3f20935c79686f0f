"""Why an attempt failed: one word for the log, one sentence for people."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

ERROR_LIMIT = 200

# What the log says after `error.`
SOURCE = "source"  # cannot be reached, opened or understood
REFUSED = "refused"  # not allowed: an address, a path
LIMIT = "limit"  # too large, too slow, too much memory
DRIFT = "drift"  # columns that an append cannot take
STOPPED = "stopped"  # its process ended, or the server did
CHANGED = "changed"  # the table was changed or removed meanwhile


class Failed(Exception):
    """`what` is one of the words above."""

    def __init__(self, what: str, message: str, *, drift: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.what, self.message, self.drift = what, message, drift or {}


class Deadline:
    """Ends what the main thread of this process does, in reading from a socket as in computing.

    A limit of each single read would let whoever sends a byte now and then go on for ever."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._at = time.monotonic() + seconds
        self._said = f"it took longer than {seconds:g} s"
        signal.signal(signal.SIGALRM, self._ring)
        self._arm(self._at)

    @contextmanager
    def within(self, seconds: float, said: str) -> Iterator[None]:
        """Raises Failed with `said` after that time, or when the whole time is over."""
        whole, at = self._said, time.monotonic() + seconds
        if at < self._at:
            self._said = said
            self._arm(at)
        try:
            yield
        finally:
            self._said = whole
            self._arm(self._at)

    def off(self) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)

    def _arm(self, at: float) -> None:
        # Again and again, since a library may swallow the first.
        signal.setitimer(signal.ITIMER_REAL, max(0.001, at - time.monotonic()), 0.2)

    def _ring(self, number: int, frame: object) -> None:
        raise Failed(LIMIT, self._said)
