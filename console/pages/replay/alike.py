"""Whether what was found here stands in other sessions of the last seven days, too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from console import sessions
from console.pages.replay.reading import Reading
from console.pages.visits import url
from console.queries.sessions import SessionFilter
from console.session_filter import WEEK
from console.sessions import Row


@dataclass(frozen=True)
class Alike:
    """In how many `others` of the week's `sessions` a kind of finding stands, and the address of
    the list of them."""

    kind: str
    others: int
    sessions: int
    at: str


def read(reading: Reading) -> Sequence[Alike]:
    """The kinds found here, the most frequent elsewhere first; none for one's own, who see no
    others."""
    kinds = {one["finding_type"] for one in reading.found.get("findings", ())}
    if reading.own or not kinds:
        return ()
    since = reading.at - timedelta(minutes=WEEK)
    week = SessionFilter(since=since, until=reading.at)
    uploaded = reading.summary()["uploaded_at"]
    here = uploaded is not None and since <= uploaded <= reading.at
    found = sessions.facets(reading.reader, week)
    total = sum(row["count"] for row in found["users"]) + found["other"]["users"]["count"]
    return others(found["findings"], kinds, total=total, here=here)


def others(counted: Sequence[Row], kinds: set[str], *, total: int, here: bool) -> list[Alike]:
    """`counted`: sessions by kind of finding; `here`: this session is one of them."""
    counts: Mapping[str, int] = {row["value"]: row["count"] for row in counted}
    found = [
        Alike(
            kind=kind,
            others=max(0, counts.get(kind, 0) - here),
            sessions=max(0, total - here),
            at="/admin/sessions" + url({"has_finding": kind}),
        )
        for kind in sorted(kinds)
    ]
    return sorted((one for one in found if one.others), key=lambda one: -one.others)
