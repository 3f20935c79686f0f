"""The search box, the chips of what else is filtered, and what to do where nothing is found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from console.pages.telemetry import words
from console.pages.telemetry.reading import Reading
from console.session_filter import WEEK, WINDOW, YEAR

_PLACED = (*WINDOW, "q", "only_errors")  # what has a place of its own beside the chips
_NAMES = {
    "user_id": "person",
    "username": "person",
    "tool_name": "tool",
    "ref_id": "plugin",
    "event_type": "kind of call",
    "mcp_server": "MCP server",
}
_WIDER = (WEEK, 30 * 1440, YEAR)


@dataclass(frozen=True)
class Chip:
    """A filter that is on: `name` and `text` for people, and the query without it."""

    name: str
    text: str
    title: str
    url: str


def read(reading: Reading) -> dict[str, Any]:
    """`chips`; `hidden`: what else of the state a search keeps; `minutes`: of a window that ends
    now; `wider`: minutes and query of the next longer one; `rest`: the query without any filter."""
    state = reading.state
    kept = state.url(q=None, only_errors=None)
    minutes = _minutes(reading)
    wider = next((one for one in _WIDER if one > (minutes or 0)), None) if minutes else YEAR
    return {
        "chips": list(_chips(reading)),
        "hidden": parse_qsl(kept.removeprefix("?")),
        "minutes": minutes,
        "wider": wider and (wider, state.url(since_minutes=str(wider), since=None, until=None)),
        "none": state.url(**dict.fromkeys(name for name in state.given if name not in WINDOW)),
    }


def _chips(reading: Reading) -> Iterator[Chip]:
    for name, text in reading.state.given.items():
        if name in _PLACED:
            continue
        person = reading.reader.instance.people.get(text) if name == "user_id" else None
        shown = person.label if person else words.LABELS.get(name, {}).get(text, text)
        yield Chip(
            name=_NAMES.get(name, name),
            text=shown,
            title=person.email if person else f"{name}={text}",
            url=reading.state.url(**{name: None}),
        )


def _minutes(reading: Reading) -> int | None:
    filter = reading.filter
    if filter.since is None or filter.until != reading.at:
        return None
    return round((filter.until - filter.since).total_seconds() / 60)
