"""What happened in this window, in one sentence; its figures are those of the cards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from console import sessions
from console.figures import span
from console.pages.sessions.reading import Reading
from console.queries.sessions import NONE
from console.session_filter import WINDOW

_UNITS = {"d": "day", "h": "hour", "min": "minute"}
_BAD = ("struggled", "failed")


@dataclass(frozen=True)
class Sentence:
    """`window`: `7 days`, None where it does not end now. `judged` sessions have a
    verdict that is final; `bad` of them struggled or failed, each with the query that asks for
    it."""

    window: str | None
    did: str
    is_narrowed: bool
    kpis: dict[str, Any]
    judged: int
    bad: list[tuple[str, int, str]]
    unread: str

    @property
    def is_well(self) -> bool:
        return not any(count for _, count, _ in self.bad)


def read(reading: Reading) -> Sentence:
    found, state = sessions.kpis(reading.reader, reading.filter), reading.state
    verdicts = found["by_verdict"]
    return Sentence(
        window=spelled(found["window_minutes"]) if reading.is_open else None,
        did="uploaded" if reading.filter.anchor == "uploaded" else "began",
        is_narrowed=bool(state.given.keys() - {*WINDOW, "anchor"}),
        kpis=found,
        judged=found["sessions_total"] - verdicts[NONE] - verdicts["open"],
        bad=[(name, verdicts[name], state.url(verdict=name)) for name in _BAD],
        unread=state.url(processed="false"),
    )


def spelled(minutes: int) -> str:
    """A length of time in words: 7 days, one hour."""
    count, _, unit = span(minutes).partition(" ")
    return f"{count} {_UNITS[unit]}s" if count != "1" else f"one {_UNITS[unit]}"
