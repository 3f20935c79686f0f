"""Prompts that were typed while the agent worked, counted once.

Such a prompt may be seen as it is queued, as it is handed over in the middle of a turn, and as a
record of its own: the last of these counts. The order of these lines means little, their times and
words tell.
"""

from __future__ import annotations

from collections import deque

from ingest.transcript.model import Moment
from ingest.transcript.record import Record

_MOST = 200  # that wait at once
_SOON = 60_000_000  # microseconds between leaving the queue and being seen elsewhere


class Queue:
    """`withdrawn`: turns of the queued prompts that do not count, as they came again."""

    def __init__(self) -> None:
        self.withdrawn: set[int] = set()
        self._waiting: deque[Moment] = deque(maxlen=_MOST)
        self._left: deque[int] = deque(maxlen=_MOST)  # when something left the queue

    def put(self, moment: Moment, *, handed_over: bool) -> None:
        self._waiting.append(moment)
        if handed_over and moment.at is not None:
            self._left.append(moment.at)

    def moves(self, record: Record) -> None:
        """What a `queue-operation` does to what waits."""
        operation = record.data.get("operation")
        if operation in ("dequeue", "remove") and record.at is not None:
            self._left.append(record.at)
        elif operation == "popAll":  # taken back, to be edited and sent again
            self.withdrawn.update(moment.turn for moment in self._waiting)
            self._waiting.clear()

    def seen(self, words: str, at: int | None) -> None:
        """A prompt stands in a place of its own: it no longer counts where it was queued."""
        if at is not None and self._left and all(abs(at - left) > _SOON for left in self._left):
            return  # the same words, typed once more
        for moment in self._waiting:
            before = at is None or moment.at is None or moment.at <= at
            if before and moment.text == words:
                self._waiting.remove(moment)
                self.withdrawn.add(moment.turn)
                return
