"""What comes right before and after a tool's calls. Blocks: call it through `store.offload`."""

from __future__ import annotations

from dataclasses import replace

from console.queries import telemetry_neighbours
from console.queries.telemetry_filter import TelemetryFilter
from console.telemetry import Reader, Row

SHOWN = 30


def neighbours(reader: Reader, filter: TelemetryFilter, tool_name: str) -> Row:
    """`calls` of the tool (`failed`, `went_well`), and `before` and `after`: what stands next to
    them in the same session and agent, most frequent first, with how the tool's own calls ended
    (`after_error`, `after_ok`, `after_other`). A `tool_name` of null is the beginning or the end;
    `other` sums what is beyond `SHOWN`. Looked at are the latest `sessions` with such a call, of
    `sessions_total`, which have `calls_total`."""
    wanted = replace(filter, terms={**filter.terms, "tool_name": tool_name})
    (reach,) = reader.ask(telemetry_neighbours.reach, reader.seen, wanted)
    most = telemetry_neighbours.SESSIONS
    found = reader.ask(telemetry_neighbours.neighbours, reader.seen, wanted, most)
    sides = {side: [_step(row) for row in found if row["side"] == side] for side in _SIDES}
    answer: Row = {
        "tool_name": tool_name,
        **{name: sum(row[key] for row in sides["before"]) for name, key in _SUMS.items()},
        "calls_total": reach["calls"],
        "sessions": min(most, reach["sessions"]),
        "sessions_total": reach["sessions"],
    }
    other = {}
    for side, rows in sides.items():
        rows.sort(key=lambda row: (-row["calls"], row["tool_name"] or ""))
        answer[side] = rows[:SHOWN]
        other[side] = {"values": len(rows[SHOWN:]), "calls": sum(r["calls"] for r in rows[SHOWN:])}
    return {**answer, "other": other}


_SIDES = ("before", "after")
_SUMS = {"calls": "calls", "failed": "after_error", "went_well": "after_ok"}


def _step(row: Row) -> Row:
    apart = row["rejected"] + row["denied"] + row["interrupted"] + row["unresolved"]
    return {
        "tool_name": row["step"],
        "calls": row["calls"],
        "after_error": row["errors"],
        "after_ok": row["calls"] - row["errors"] - apart,
        "after_other": apart,
    }
