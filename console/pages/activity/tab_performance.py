"""The tab Performance: how long each action takes, how often it fails, and both over time."""

from __future__ import annotations

from typing import Any

from console import durations
from console.audit import new_id
from console.pages.activity.reading import Reading
from console.queries.typed_words import has, toggled

ORDERS = (("most", "Most frequent"), ("slowest", "Slowest"), ("failing", "Most failing"))


def read(reading: Reading) -> dict[str, Any]:
    """The figures, and for each action the query of the list of its events. `mark` says which
    chart was drawn of these figures."""
    state = reading.state
    found = durations.performance(reading.reader, reading.filter, state.sort)
    typed = state.given.get("query", "")
    for row in found["actions"]:
        chosen = has(typed, "action", row["action"])
        only = typed if chosen else toggled(typed, "action", row["action"])
        row["listed"] = state.url(tab=None, sort=None, row=None, query=only)
    return {**found, "mark": new_id(), "orders": ORDERS, "order": durations.order(state.sort)}
