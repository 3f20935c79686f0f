"""The search box, which time counts, the chips of what else is filtered, and what to do where
nothing is found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from urllib.parse import parse_qsl

from console import links
from console.pages.sessions.reading import Reading
from console.pages.sessions.words import NAMES, label
from console.queries.sessions import ANCHORS
from console.session_filter import WEEK, WINDOW, YEAR

_PLACED = (*WINDOW, "q", "anchor")  # what has a place of its own beside the chips
_WIDER = (WEEK, 43_200, 129_600, YEAR)


@dataclass(frozen=True)
class Chip:
    """A filter that is on: `name` and `text` for people, and the query without it. `home`: the
    page of what it names, where there is one that the reader may open."""

    name: str
    text: str
    title: str
    url: str
    home: str | None = None


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
    chips = list(_chips(reading))
    return {
        "chips": chips,
        "hidden": parse_qsl(state.url(q=None).removeprefix("?")),
        "anchors": [
            (name, name == anchor, state.url(anchor=None if name == "uploaded" else name))
            for name in ANCHORS
        ],
        "empty": _empty(reading, chips) if reading.is_known else None,
    }


def _chips(reading: Reading) -> Iterator[Chip]:
    for name, text in reading.state.given.items():
        if name in _PLACED:
            continue
        person = reading.reader.instance.people.get(text) if name == "user_id" else None
        shown = f"{date.fromisoformat(text):%d %b %Y}" if name == "week" else label(name, text)
        yield Chip(
            name=NAMES.get(name, name),
            text=person.label if person else shown,
            title=person.email if person else f"{name}={text}",
            url=reading.state.url(**{name: None}),
            home=links.home("user", person.id, reading.caller.me) if person else None,
        )


def _empty(reading: Reading, chips: list[Chip]) -> Empty:
    state, filter = reading.state, reading.filter
    minutes = None
    if filter.since is not None and reading.is_open:
        length = reading.at - filter.since
        minutes = None if length % timedelta(minutes=1) else length // timedelta(minutes=1)
    shorter = None
    if chips:
        shorter = f"{chips[-1].name}: {chips[-1].text}", chips[-1].url
    elif "q" in state.given:
        shorter = state.given["q"], state.url(q=None)
    return Empty(minutes, _wider(reading, minutes), shorter)


def _wider(reading: Reading, minutes: int | None) -> tuple[int, str] | None:
    """The next longer window that ends now."""
    wanted = YEAR if minutes is None else next((one for one in _WIDER if one > minutes), None)
    if wanted is None:
        return None
    return wanted, reading.state.url(since_minutes=str(wanted), since=None, until=None)
