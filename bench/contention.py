"""How much of the machine was somebody else's while something was measured.

A figure taken beside other work says little; this says which ones were.
"""

from __future__ import annotations

import contextlib
import os
import resource
import time

import psutil


class Watch:
    """Counts cores in use by others, from its making until `others()`. `server` is a process that
    is ours, too.
    """

    def __init__(self, server: int | None = None) -> None:
        self._server = server
        self._began = time.monotonic()
        self._busy, self._ours = _busy(), self._own()

    def others(self) -> float:
        """Cores, on average: 0.0 is a quiet machine, 1.0 one core that was not there for us."""
        passed = max(time.monotonic() - self._began, 1e-9)
        foreign = (_busy() - self._busy) - (self._own() - self._ours)
        return round(min(max(foreign / passed, 0.0), float(os.cpu_count() or 1)), 2)

    def _own(self) -> float:
        """Processor seconds of this process, of its children that have ended, and of the server and
        of those that it has started, theirs included."""
        seconds = 0.0
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN):
            used = resource.getrusage(who)
            seconds += used.ru_utime + used.ru_stime
        if self._server is not None:
            server = psutil.Process(self._server)
            family = [server, *server.children()]
            with contextlib.suppress(psutil.NoSuchProcess):
                seconds += sum(sum(process.cpu_times()[:4]) for process in family)
        return seconds


def _busy() -> float:
    """Processor seconds that all processes of the machine have used."""
    times = psutil.cpu_times()
    return float(times.user + times.nice + times.system + times.irq + times.softirq)
