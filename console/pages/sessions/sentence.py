"""What happened in this window, in one sentence. Its figures are those of the cards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from console.figures import span
from console.pages.sessions.reading import Reading
from console.queries.sessions import NONE
from console.session_filter import WINDOW, window_minutes

_UNITS = {"d": "day", "h": "hour", "min": "minute"}
BAD = ("struggled", "failed")


@dataclass(frozen=True)
class Sentence:
    """`window`: `7 days`, None where it does not end now. `only`: verdict -> the query that asks
    for it too; `unread`: that for what was not processed yet."""

    window: str | None
    did: str
    is_narrowed: bool
    only: Mapping[str, str]
    unread: str

    def judged(self, kpis: Mapping[str, Any]) -> int:
        """How many sessions have a verdict, and one that is final."""
        verdicts = kpis["by_verdict"]
        return int(kpis["sessions_total"] - verdicts[NONE] - verdicts["open"])

    def bad(self, kpis: Mapping[str, Any]) -> list[tuple[str, int, str]]:
        """Which bad verdicts there are, how often, and the query of each."""
        counts = kpis["by_verdict"]
        return [(name, counts[name], self.only[name]) for name in BAD if counts[name]]


def read(reading: Reading) -> Sentence:
    state, minutes = reading.state, window_minutes(reading.filter)
    return Sentence(
        window=spelled(minutes) if reading.is_open else None,
        did="uploaded" if reading.filter.anchor == "uploaded" else "began",
        is_narrowed=bool(state.given.keys() - {*WINDOW, "anchor"}),
        only={name: state.url(verdict=name) for name in BAD},
        unread=state.url(processed="false"),
    )


def spelled(minutes: int) -> str:
    """A length of time in words: 7 days, one hour."""
    count, _, unit = span(minutes).partition(" ")
    return f"{count} {_UNITS[unit]}s" if count != "1" else f"one {_UNITS[unit]}"
