"""The search box, the chips of what else is filtered, and what to do where nothing is found."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

from console.pages.chosen import chips
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


def read(reading: Reading) -> dict[str, Any]:
    """`chips`; `hidden`: what else of the state a search keeps; `minutes`: of a window that ends
    now; `wider`: minutes and query of the next longer one; `rest`: the query without any filter."""
    state, people, me = reading.state, reading.reader.instance.people, reading.caller.me
    kept = state.url(q=None, only_errors=None)
    minutes = _minutes(reading)
    wider = next((one for one in _WIDER if one > (minutes or 0)), None) if minutes else YEAR
    return {
        "chips": list(chips(state, people, me, placed=_PLACED, names=_NAMES, said=_said)),
        "hidden": parse_qsl(kept.removeprefix("?")),
        "minutes": minutes,
        "wider": wider and (wider, state.url(since_minutes=str(wider), since=None, until=None)),
        "none": state.url(**dict.fromkeys(name for name in state.given if name not in WINDOW)),
    }


def _said(name: str, text: str) -> str:
    return words.LABELS.get(name, {}).get(text, text)


def _minutes(reading: Reading) -> int | None:
    filter = reading.filter
    if filter.since is None or filter.until != reading.at:
        return None
    return round((filter.until - filter.since).total_seconds() / 60)
