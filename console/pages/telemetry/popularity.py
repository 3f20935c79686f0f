"""What is popular, what gains, and what nobody uses: beside the table of what was called."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from console import telemetry_popularity
from console.pages.telemetry.reading import Reading
from console.telemetry import Row
from schema.errors import BadParameter

ORDERS = {
    "most_used": "Most used",
    "most_adopted": "Most adopted",
    "trending": "Trending",
    "recent": "Recent",
}
SHOWN = 12
# Tab -> the parameter of the filter that asks for one of its kind.
_ASKS = {"tools": "tool_name", "skills": "skill", "subagents": "subagent", "mcp": "mcp_server"}


def read(reading: Reading) -> dict[str, Any] | None:
    """None on tabs without it. The answer of the last 30 days, whatever the filter; `unused` by
    plugin. Raises BadParameter."""
    state = reading.state
    if state.tab not in _ASKS:
        return None
    order = state.rest.get("popular", next(iter(ORDERS)))
    if order not in ORDERS:
        raise BadParameter("popular", order, "one of " + ", ".join(ORDERS))
    ask = telemetry_popularity.popularity
    found = ask(reading.reader, state.tab, order, limit=SHOWN, now=reading.at)
    unused = sorted(found["unused"], key=_plugin)
    return {
        **found,
        "rows": [_row(reading, row) for row in found["rows"]],
        "most_popular": [_row(reading, row) for row in found["most_popular"]],
        "orders": ORDERS,
        "unused": [(plugin, list(items)) for plugin, items in groupby(unused, key=_plugin)],
        "unused_total": len(unused),
    }


def _plugin(item: Row) -> str:
    return item["plugin"] or item["marketplace"] or ""


def _row(reading: Reading, row: Row) -> Row:
    name = _called(row)
    parameter = _ASKS[reading.state.tab]
    trend = row["trend_pct"]
    return {
        **row,
        "called": name,
        "on": reading.state.has(**{parameter: name}),
        "url": reading.state.toggled(parameter, name),
        "is_new": trend is None
        and not row["prior_7d"]
        and row["last_7d"] == row["invocations_30d"],
    }


def _called(row: Row) -> str:
    """As events name it: `plugin:name`, of the community itself `flea:name`."""
    if row["source"] == "builtin":
        return str(row["name"])
    return f"{row['plugin'] or row['source']}:{row['name']}"
