"""One reading of the marketplaces: what every part of the page is given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from console import marketplaces
from console.audit import Caller
from console.instance import Instance
from console.marketplace_use import SORTS, Use
from console.pages.marketplace.state import MarketState
from console.telemetry import Row

POPULAR_MOST = 8
ROWS = 50
UNUSED_MOST = 1000  # items that are listed; a filter finds the others
TITLES = {
    "most_used": "Most used",
    "most_adopted": "Most adopted",
    "trending": "Trending",
    "recent": "Recent",
}


@dataclass(frozen=True)
class Reading:
    """`use` is None where the address could not be read."""

    instance: Instance
    caller: Caller
    state: MarketState
    at: datetime
    use: Use | None = None
    beat: bool = False


def cards(reading: Reading) -> dict[str, Any] | None:
    use = reading.use
    if use is None:
        return None
    names = {row["marketplace"] for row in use.offered}
    offered, idle = len(use.offered), len(use.unused)
    return {"use": use, "marketplaces": len(names), "offered": offered, "used": offered - idle}


def popular(reading: Reading) -> dict[str, Any] | None:
    """The items in use, a page of them; `most`: the eight used most, whatever the order."""
    use, state = reading.use, reading.state
    if use is None or state.tab != "popular":
        return None
    sort = state.sort or SORTS[0]
    rows = use.chosen(sort=sort, **state.given)
    return {
        "rows": rows[state.offset : state.offset + ROWS],
        "total": len(rows),
        "size": ROWS,
        "sort": sort,
        "orders": {name: TITLES[name] for name in SORTS},
        "most": use.chosen(**state.given)[:POPULAR_MOST],
    }


def plugins(reading: Reading) -> dict[str, Any] | None:
    use, state = reading.use, reading.state
    if use is None or state.tab != "plugins":
        return None
    found = [
        one
        for one in use.plugins
        if state.given.get("source") in (None, one.source)
        and state.given.get("plugin") in (None, one.name)
        and state.given.get("q", "").casefold() in one.name.casefold()
    ]
    return {"rows": found, "total": len(use.plugins)}


def unused(reading: Reading) -> dict[str, Any] | None:
    """What nobody used, by plugin."""
    use, state = reading.use, reading.state
    if use is None or state.tab != "unused":
        return None
    words = state.given.get("q", "").casefold()
    found = [
        row
        for row in use.unused
        if all(state.given.get(name) in (None, row[name]) for name in ("type", "source", "plugin"))
        and words in f"{row['plugin']}:{row['name']} {row['description'] or ''}".casefold()
    ]
    found.sort(key=lambda row: (row["marketplace"], row["plugin"] or "", row["type"], row["name"]))
    groups = groupby(found[:UNUSED_MOST], key=lambda row: (row["marketplace"], row["plugin"] or ""))
    shown = [(key, list(rows)) for key, rows in groups]
    return {"groups": shown, "total": len(found), "shown": min(len(found), UNUSED_MOST)}


def offering(reading: Reading) -> Sequence[Row] | None:
    """The marketplaces: `{name, source, plugins, held, imported_at}`; `held` counts their items."""
    if reading.state.tab != "marketplaces" or reading.use is None:
        return None
    rows = reading.instance.store.rows(marketplaces.every)
    found = []
    for name, some in groupby(rows, key=lambda row: row["marketplace"]):
        items = list(some)
        found.append(
            {
                "name": name,
                "source": items[0]["source"],
                "plugins": sum(1 for row in items if row["type"] == "plugin"),
                "held": len(items),
                "imported_at": max(row["imported_at"] for row in items),
            }
        )
    return found
