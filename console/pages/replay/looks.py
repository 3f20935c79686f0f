"""Who looked at this session, and why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from console.pages.replay.reading import Reading
from console.sessions import Row
from console.transcript import transcript_looks

_SHOWN = 5
_DID = {"session_download": "took it", "session_bulk_download": "took all of them"}


@dataclass(frozen=True)
class Look:
    """`times` that one person looked for one reason; `at` the last time."""

    name: str
    reason: str | None
    did: str
    at: datetime
    times: int


@dataclass(frozen=True)
class Looks:
    """The last `rows` of `total` looks; what the reader may not know of is in neither."""

    rows: Sequence[Look]
    total: int


def read(reading: Reading) -> Looks:
    if reading.transcript is None:
        return Looks((), 0)
    rows = transcript_looks.views(reading.reader, reading.transcript)
    return Looks(together(rows)[:_SHOWN], len(rows))


def together(rows: Iterable[Row]) -> list[Look]:
    """Looks, the newest first: those of one person for one reason in one line."""
    alike: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        alike.setdefault((row["user_id"], row["reason"], row["action"]), []).append(row)
    return [
        Look(
            name=some[0]["user_name"] or "somebody",
            reason=some[0]["reason"],
            did=_DID.get(some[0]["action"], ""),
            at=some[0]["at"],
            times=len(some),
        )
        for some in alike.values()
    ]
