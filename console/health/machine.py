"""Processes and folders of this server. All of it blocks."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

# What stands in a child's command line -> what it is called.
_CALLED = {
    "console.jobs.child": "run of a job",
    "console.jobs.tether": "kernel of a job",
    "console.sandbox.nursery": "nursery of questions",
    "console.syncing.child": "sync of a table",
    "console.work": "processor",
    "ingest.indexer": "indexes of transcripts",
}
_FIRST = 0.02  # seconds that who asks waits: small folders are counted by then
_COUNTED = 300.0  # seconds that a folder's size is taken for true


def children() -> list[dict[str, Any]]:
    """Every process below this one: `{pid, what, memory, started_at, cpu_seconds}`, the largest
    first."""
    found = []
    for child in psutil.Process().children(recursive=True):
        try:
            with child.oneshot():
                started = datetime.fromtimestamp(child.create_time(), UTC).replace(tzinfo=None)
                times = child.cpu_times()
                found.append(
                    {
                        "pid": child.pid,
                        "what": _what(child.cmdline(), child.ppid()),
                        "memory": child.memory_info().rss,
                        "started_at": started,
                        "cpu_seconds": round(times.user + times.system, 2),
                    }
                )
        except psutil.Error:
            continue  # it ended this moment
    return sorted(found, key=lambda one: -one["memory"])


def _what(words: list[str], parent: int) -> str:
    known = next((_CALLED[word] for word in words if word in _CALLED), None)
    if known == _CALLED["console.sandbox.nursery"] and parent != os.getpid():
        return "question"  # forked from it
    return known or (Path(words[0]).name if words else "process")


class Sizes:
    """Bytes and files below folders; counted in a thread of its own, and remembered."""

    def __init__(self) -> None:
        self._known: dict[Path, tuple[int, int]] = {}
        self._at = -_COUNTED
        self._counting = threading.Lock()

    def of(self, folders: Mapping[str, Path]) -> dict[str, tuple[int, int] | None]:
        """By name, `(bytes, files)` as counted some minutes ago at most; None until it is
        counted."""
        if time.monotonic() - self._at >= _COUNTED and self._counting.acquire(blocking=False):
            self._at = time.monotonic()
            work = threading.Thread(target=self._count, args=(list(folders.values()),), daemon=True)
            work.start()
            work.join(_FIRST)
        return {name: self._known.get(folder) for name, folder in folders.items()}

    def _count(self, folders: list[Path]) -> None:
        try:
            for folder in folders:
                self._known[folder] = counted(folder)
        finally:
            self._counting.release()


def counted(folder: Path) -> tuple[int, int]:
    """Bytes and plain files below a folder; a folder that is not there has none."""
    size = files = 0
    waiting = [folder]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(Path(entry.path))
                    elif entry.is_file(follow_symlinks=False):
                        size += entry.stat(follow_symlinks=False).st_size
                        files += 1
        except OSError:
            continue  # it went away, or is not ours to see
    return size, files
