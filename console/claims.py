"""Who is working on which session, so that several kernels share the work."""

from __future__ import annotations

from datetime import datetime, timedelta

from console.audit import now

_CLAIM = timedelta(minutes=10)


class Claims:
    """Which sessions somebody is working on. A claim ends with its commit, or with time: one that
    is lost with its kernel delays its session, and nothing else."""

    def __init__(self) -> None:
        self._held: dict[str, tuple[str, datetime]] = {}

    def take(self, session_file: str, holder: str) -> bool:
        """Whether `holder` may work on it now."""
        held = self._held.get(session_file)
        if held is not None and held[1] > now():
            return False
        self._held[session_file] = (holder, now() + _CLAIM)
        return True

    def give_back(self, session_file: str) -> None:
        self._held.pop(session_file, None)

    def end(self, holder: str) -> None:
        """The holder has gone: all of theirs can be had again."""
        self._held = {key: held for key, held in self._held.items() if held[0] != holder}

    def __len__(self) -> int:
        return len(self._held)
