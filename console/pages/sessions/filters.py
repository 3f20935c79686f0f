"""The search box, which time counts, the chips of what else is filtered, and what to do where
nothing is found."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from urllib.parse import parse_qsl

from console.pages.chosen import Chip, chips
from console.pages.sessions.reading import Reading
from console.pages.sessions.words import NAMES, label
from console.queries.sessions import ANCHORS
from console.session_filter import WEEK, WINDOW, YEAR

_PLACED = (*WINDOW, "q", "anchor")  # what has a place of its own beside the chips
_WIDER = (WEEK, 43_200, 129_600, YEAR)


@dataclass(frozen=True)
class Empty:
    """Where nothing is found: the window in `minutes` where it ends now, and the queries of what
    can be done: `wider` (minutes and query), `shorter` (what goes, and the query without it)."""

    minutes: int | None
    wider: tuple[int, str] | None
    shorter: tuple[str, str] | None


def read(reading: Reading) -> dict[str, Any]:
    """`chips`; `hidden`: what else of the state a search keeps; `anchors`: name, whether it is on,
    query; `empty`, None where the filter could not be read."""
    state = reading.state
    anchor = state.given.get("anchor", "uploaded")
    people, me = reading.reader.instance.people, reading.caller.me
    on = list(chips(state, people, me, placed=_PLACED, names=NAMES, said=_said))
    return {
        "chips": on,
        "hidden": parse_qsl(state.url(q=None).removeprefix("?")),
        "anchors": [
            (name, name == anchor, state.url(anchor=None if name == "uploaded" else name))
            for name in ANCHORS
        ],
        "empty": _empty(reading, on) if reading.is_known else None,
    }


def _said(name: str, text: str) -> str:
    return f"{date.fromisoformat(text):%d %b %Y}" if name == "week" else label(name, text)


def _empty(reading: Reading, on: list[Chip]) -> Empty:
    state, filter = reading.state, reading.filter
    minutes = None
    if filter.since is not None and reading.is_open:
        length = reading.at - filter.since
        minutes = None if length % timedelta(minutes=1) else length // timedelta(minutes=1)
    shorter = None
    if on:
        shorter = f"{on[-1].name}: {on[-1].text}", on[-1].url
    elif "q" in state.given:
        shorter = state.given["q"], state.url(q=None)
    return Empty(minutes, _wider(reading, minutes), shorter)


def _wider(reading: Reading, minutes: int | None) -> tuple[int, str] | None:
    """The next longer window that ends now."""
    wanted = YEAR if minutes is None else next((one for one in _WIDER if one > minutes), None)
    if wanted is None:
        return None
    return wanted, reading.state.url(since_minutes=str(wanted), since=None, until=None)
