"""One push at a time, one flush of reports. The lock is the operating system's: it ends with the
process that holds it, however that ends."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from schema.errors import Conflict

_FAR = 1 << 30  # where nothing is written: on Windows a locked byte cannot be read


@contextmanager
def only_one(file: Path, *, what: str = "push") -> Iterator[None]:
    """Hold `file` for the time of the block. Raises Conflict, which says who holds it."""
    handle = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if not _locked(handle):
            holder = os.read(handle, 200).decode("utf-8", "replace") or "it has just begun"
            raise Conflict(
                f"another {what} is running ({holder})",
                detail="wait for it; what it sends need not be sent again",
            )
        os.ftruncate(handle, 0)
        since = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%SZ")
        os.write(handle, f"pid {os.getpid()}, since {since}".encode())
        yield
    finally:
        os.close(handle)


def _locked(handle: int) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            os.lseek(handle, _FAR, os.SEEK_SET)
            try:
                msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
            finally:
                os.lseek(handle, 0, os.SEEK_SET)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
