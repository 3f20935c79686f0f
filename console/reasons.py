"""Why somebody looks at another person's transcripts: said once, good for an hour."""

from __future__ import annotations

import time
from collections import OrderedDict

LONGEST = 200  # characters
HOUR = 3600.0  # seconds
_KEPT = 10_000


class Reasons:
    """What each reader said last about each person's transcripts. A reason for looking at one
    person's says nothing about another's, who would read it. Bounded; forgotten at a restart, which
    costs saying it again."""

    def __init__(self) -> None:
        self._said: OrderedDict[tuple[str, str], tuple[float, str]] = OrderedDict()

    def state(self, reader: str, owner: str, reason: str, *, at: float | None = None) -> None:
        self._said[reader, owner] = (time.monotonic() if at is None else at), reason
        self._said.move_to_end((reader, owner))
        while len(self._said) > _KEPT:
            self._said.popitem(last=False)

    def of(self, reader: str, owner: str, *, at: float | None = None) -> str | None:
        """The reason that still holds; None when there is none."""
        moment = time.monotonic() if at is None else at
        said, reason = self._said.get((reader, owner), (moment - HOUR, ""))
        return reason if moment - said < HOUR else None
