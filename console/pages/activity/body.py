"""What stands under the tabs: the list of events, or another look at the same events.

A body is a function that reads and a template `activity/bodies/<tab>.html` that sees it as `body`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from console.pages.activity import (
    tab_changes,
    tab_performance,
    tab_queries,
    tab_sync,
    tab_usage,
    timeline,
)
from console.pages.activity.reading import Reading


@dataclass(frozen=True)
class Body:
    title: str
    read: Callable[[Reading], Any]
    for_all: bool = True  # whether one's own page has it too


BODIES: dict[str, Body] = {
    "timeline": Body("Timeline", timeline.read),
    "sync": Body("Sync", tab_sync.read, for_all=False),
    "changes": Body("Changes", tab_changes.read),
    "queries": Body("Queries", tab_queries.read),
    "performance": Body("Performance", tab_performance.read),
    "usage": Body("Usage", tab_usage.read, for_all=False),
}


def tabs(reading: Reading) -> dict[str, Body]:
    return {key: body for key, body in BODIES.items() if body.for_all or not reading.own}


def read(reading: Reading) -> Any:
    return BODIES[reading.state.tab].read(reading)


def fresh(reading: Reading) -> Any:
    """How many events came since the list was read, and match."""
    return timeline.fresh(reading) if reading.state.tab == "timeline" else None
