"""The cards: each a figure with its denominator, and a quick filter or order."""

from __future__ import annotations

from typing import Any

from console import sessions
from console.pages.chosen import Quick
from console.pages.sessions.reading import Reading
from console.pages.sessions.state import SessionsState
from console.queries.sessions import ANCHORS, ANY

# Card -> the parameter that its click sets, and a second one takes out.
_FILTERS = {
    "errors": ("only_errors", "true"),
    "rate": ("has_finding", "tool_error"),
    "findings": ("has_finding", ANY),
}
_ORDERS = {"people": "user:asc", "tokens": "tokens:desc"}


def read(reading: Reading) -> dict[str, Any]:
    """The KPIs of the filter, `accounts`: how many people have one, and `quick`: the filters."""
    state = reading.state
    orders = {**_ORDERS, "sessions": f"{ANCHORS[reading.filter.anchor]}:desc"}
    quick = {card: _filter(state, *word) for card, word in _FILTERS.items()}
    quick |= {card: _order(state, reading.sort, sort) for card, sort in orders.items()}
    accounts = reading.reader.instance.people.active()
    return {**sessions.kpis(reading.reader, reading.filter), "accounts": accounts, "quick": quick}


def _filter(state: SessionsState, name: str, text: str) -> Quick:
    return Quick(state.given.get(name) == text, state.toggled(name, text))


def _order(state: SessionsState, now_by: str, sort: str) -> Quick:
    on = now_by == sort
    return Quick(on, state.url(sort=None if on else sort))
