"""Who is working on which session, so that several kernels share the work."""

from __future__ import annotations

from datetime import datetime, timedelta
from threading import Lock

from console.audit import now

_CLAIM = timedelta(minutes=10)
_REMEMBERED = 1_000


class Claims:
    """Which sessions somebody is working on. A claim ends with its commit, or with time: one that
    is lost with its kernel delays its session, and nothing else."""

    def __init__(self) -> None:
        self._held: dict[str, tuple[str, datetime]] = {}
        self._back: dict[str, datetime] = {}  # when it was given back
        self._lock = Lock()  # kernels ask on several threads

    def take(self, session_file: str, holder: str, *, found: datetime) -> bool:
        """Whether `holder` may work on it now. `found` is when it was seen to be waiting: what was
        given back since may be done."""
        with self._lock:
            held = self._held.get(session_file)
            if held is not None and held[1] > now():
                return False
            if self._back.get(session_file, found) > found:
                return False
            self._held[session_file] = (holder, now() + _CLAIM)
            return True

    def give_back(self, session_file: str) -> None:
        with self._lock:
            self._held.pop(session_file, None)
            self._back[session_file] = now()
            if len(self._back) > _REMEMBERED:
                young = now() - timedelta(minutes=1)
                self._back = {key: at for key, at in self._back.items() if at > young}

    def holds(self, session_file: str) -> bool:
        """Whether somebody is working on it now."""
        with self._lock:
            held = self._held.get(session_file)
            return held is not None and held[1] > now()

    def end(self, holder: str) -> None:
        """The holder has gone: all of theirs can be had again."""
        with self._lock:
            self._held = {key: held for key, held in self._held.items() if held[0] != holder}

    def __len__(self) -> int:
        return len(self._held)
