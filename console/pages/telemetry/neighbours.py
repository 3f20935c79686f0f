"""What is called right before and after the chosen tool, apart by how it ended."""

from __future__ import annotations

from typing import Any

from console.pages.telemetry.groups import BY
from console.pages.telemetry.reading import Reading
from console.queries.telemetry_filter import ANY, NONE
from console.telemetry import Row
from console.telemetry import neighbours as telemetry_neighbours

SHOWN = 8
EDGES = {"before": "begins the session", "after": "ends the session"}


def read(reading: Reading) -> dict[str, Any] | None:
    """None unless a tool is chosen. `said`: what follows most often when it failed, if anything
    does."""
    tool = reading.state.given.get("tool_name")
    if reading.state.tab not in BY or tool in (None, NONE, ANY):
        return None
    found = telemetry_neighbours.neighbours(reading.reader, reading.filter, str(tool))
    first = max(found["after"], key=lambda row: row["after_error"], default=None)
    return {
        **found,
        "sides": [(side, _shown(reading, found, side)) for side in EDGES],
        "said": first if first and first["after_error"] else None,
        "edges": EDGES,
    }


def _shown(reading: Reading, found: Row, side: str) -> Row:
    """The first rows of a side, and the sum of all others."""
    rows, rest, other = found[side][:SHOWN], found[side][SHOWN:], found["other"][side]
    most = max((row["calls"] for row in rows), default=1)
    return {
        "rows": [
            {
                **row,
                "bar": round(100 * row["calls"] / most, 1),
                "url": row["tool_name"] and reading.state.url(tool_name=row["tool_name"]),
            }
            for row in rows
        ],
        "more": len(rest) + other["values"],
        "more_calls": sum(row["calls"] for row in rest) + other["calls"],
    }
