"""From a rate to a turn: the sessions in which the chosen calls failed last, each opened where it
happened."""

from __future__ import annotations

from typing import Any

from console import links
from console.pages.telemetry.cards import sessions_url
from console.pages.telemetry.groups import BY
from console.pages.telemetry.reading import Reading
from console.telemetry import failures as telemetry_failures
from console.transcript import indexing

# Only where a call is chosen by one of these: else the list would be of anything that fails.
_CHOSEN = ("tool_name", "skill", "subagent", "mcp_server")
ROWS = 8


def read(reading: Reading) -> dict[str, Any] | None:
    """`rows`: the last sessions with errors, `sessions` of them altogether. None where nothing is
    chosen, nothing failed, or the reader may not open sessions."""
    chosen = next((name for name in _CHOSEN if reading.state.given.get(name)), None)
    if chosen is None or reading.state.tab not in BY or not reading.opens_sessions:
        return None
    found = telemetry_failures.failures(reading.reader, reading.filter, ROWS)
    if not found["rows"]:
        return None
    tool = reading.state.given.get("tool_name")
    return {
        **found,
        "name": reading.state.given[chosen],
        "rows": [
            {**row, "url": _where(reading, row["session_file"], tool)} for row in found["rows"]
        ],
        "all": sessions_url(reading, only_errors="true"),
    }


def _where(reading: Reading, session_file: str, tool: str | None) -> str:
    """The replay, at the first failed call of the tool as far as the index of the session tells."""
    index = indexing.index_of(reading.reader.instance, session_file)
    turns = () if index is None else index.errors
    for turn in turns:
        call = index.call_of(turn) if index else None
        if tool is None or (call and call[1] == tool):
            return links.replay(session_file, turn)
    return links.replay(session_file)
