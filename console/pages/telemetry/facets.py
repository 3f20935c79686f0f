"""The facets beside the table: what there is, how often, to include."""

from __future__ import annotations

from console import telemetry
from console.pages.facets import Facet, of_parameter
from console.pages.telemetry import words
from console.pages.telemetry.reading import Reading

# Title, facet of the answer, the parameter that asks for a value of it.
FACETS = (
    ("Outcome", "outcomes", "outcome"),
    ("Tool", "tools", "tool_name"),
    ("People", "users", "user_id"),
    ("Kind of call", "event_types", "event_type"),
    ("MCP server", "mcp_servers", "mcp_server"),
    ("Skill", "skills", "skill"),
    ("Subagent", "subagents", "subagent"),
    ("Source", "sources", "source"),
    ("Model", "models", "model"),
)


def read(reading: Reading) -> list[Facet]:
    counted = telemetry.facets(reading.reader, reading.filter)
    found = [
        of_parameter(
            reading.state,
            title,
            parameter,
            counted[facet],
            counted["other"][facet],
            words.LABELS.get(parameter),
        )
        for title, facet, parameter in FACETS
    ]
    return [facet for facet in found if _says_something(facet)]


def _says_something(facet: Facet) -> bool:
    """Where no call has a value there is nothing to choose."""
    return any(not choice.empty or choice.included for choice in facet.shown + facet.folded)
