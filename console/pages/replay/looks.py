"""Who looked at this session, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from console import transcript_looks
from console.pages.replay.reading import Reading
from console.sessions import Row

_SHOWN = 5


@dataclass(frozen=True)
class Looks:
    """The last `rows` of `total`; what the reader may not know of is in neither."""

    rows: Sequence[Row]
    total: int


def read(reading: Reading) -> Looks:
    if reading.transcript is None:
        return Looks((), 0)
    rows = transcript_looks.views(reading.reader, reading.transcript)
    return Looks(rows[:_SHOWN], len(rows))
