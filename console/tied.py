"""A process that ends when the one that started it ends, however that came about.

Linux does it for us; elsewhere such a process looks after its parent by itself, or outlives it.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_GONE = 2.0  # seconds
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36


def tie(parent: int) -> None:
    """End this process with SIGKILL once its parent, the process `parent`, is gone."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it went before the line above
        sys.exit(1)


def adopt() -> None:
    """Let what processes below this one leave behind become its child, so that it can end it."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)


def end_all() -> None:
    """Kill every process below this one, and wait until they are gone."""
    import psutil

    found = psutil.Process().children(recursive=True)
    for left in found:
        try:
            left.kill()
        except psutil.Error:
            continue  # it ended this moment
    psutil.wait_procs(found, timeout=_GONE)
