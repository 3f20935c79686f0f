"""What is popular, what gains, and what nobody uses: beside the table of what was called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from console.pages.telemetry.reading import Reading
from console.telemetry import Row
from console.telemetry import popularity as telemetry_popularity
from schema.errors import BadParameter

ORDERS = {
    "most_used": "Most used",
    "most_adopted": "Most adopted",
    "trending": "Trending",
    "recent": "Recent",
}
SHOWN = 12
# Tab -> kinds that are shown there; the first one needs no word in the address.
KINDS: Mapping[str, Sequence[str]] = {
    "tools": ("tools",),
    "skills": ("skills", "commands", "plugins"),
    "subagents": ("subagents",),
    "mcp": ("mcp",),
}
# Kind -> the parameter of the filter that asks for one.
_ASKS = {
    "tools": "tool_name",
    "skills": "skill",
    "subagents": "subagent",
    "mcp": "mcp_server",
    "plugins": "ref_id",
}


def read(reading: Reading) -> dict[str, Any] | None:
    """None on tabs without it. The answer of the last 30 days, whatever the filter; `unused` by
    plugin. Raises BadParameter."""
    state = reading.state
    if state.tab not in KINDS:
        return None
    kinds = KINDS[state.tab]
    kind = state.rest.get("kind", kinds[0])
    if kind not in kinds:
        raise BadParameter("kind", kind, "one of " + ", ".join(kinds))
    order = state.rest.get("popular", next(iter(ORDERS)))
    if order not in ORDERS:
        raise BadParameter("popular", order, "one of " + ", ".join(ORDERS))
    ask = telemetry_popularity.popularity
    found = ask(reading.reader, kind, order, limit=SHOWN, now=reading.at)
    unused = sorted(found["unused"], key=_plugin)
    return {
        **found,
        "rows": [_row(reading, kind, row) for row in found["rows"]],
        "most_popular": [_row(reading, kind, row) for row in found["most_popular"]],
        "orders": ORDERS,
        "kinds": kinds,
        "unused": [(plugin, list(items)) for plugin, items in groupby(unused, key=_plugin)],
        "unused_total": len(unused),
    }


def _plugin(item: Row) -> str:
    return item["plugin"] or item["marketplace"] or ""


def _row(reading: Reading, kind: str, row: Row) -> Row:
    name, state = _called(row), reading.state
    asked = _asked(kind, name)
    on = state.has(**asked)
    is_first = row["last_7d"] == row["invocations_30d"]
    return {
        **row,
        "called": name,
        "on": on,
        "url": state.url(**(dict.fromkeys(asked) if on else {**asked, **_PLACE.get(kind, {})})),
        "is_new": row["trend_pct"] is None and not row["prior_7d"] and is_first,
    }


def _asked(kind: str, name: str) -> dict[str, str]:
    """The filter that finds the calls of one."""
    if kind == "commands":
        return {"q": name.lower(), "event_type": "slash_command"}
    return {_ASKS[kind]: name}


# Calls of these kinds name no skill, or several: where they are shown, and by what.
_PLACE: Mapping[str, Mapping[str, str | None]] = {
    "commands": {"tab": None, "kind": None, "group_by": "user"},
    "plugins": {"tab": None, "kind": None, "group_by": "skill"},
}


def _called(row: Row) -> str:
    """As events name it: `plugin:name`, of the community itself `flea:name`; a plugin by name."""
    if row["source"] == "builtin" or row["type"] == "plugin":
        return str(row["name"])
    return f"{row['plugin'] or row['source']}:{row['name']}"
