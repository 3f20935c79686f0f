"""What stands under the tabs. A body is a function that reads and a template
`telemetry/bodies/<template>.html` that sees what it has read as `body`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from console.pages.telemetry import cost, groups, performance, queries, users
from console.pages.telemetry.reading import Reading


@dataclass(frozen=True)
class Body:
    """`about`: the parameter that names what the tab is about; its events are those that have one,
    and so are all figures of the page while the tab is open; `of` says so. `over_time`: the chart
    of the page's events stands above it. `chart`: the view of a chart of its own, drawn of what it
    has read, which then has a `mark`."""

    title: str
    read: Callable[[Reading], Any]
    template: str
    about: str = ""
    of: str = ""
    over_time: bool = False
    chart: str = ""


BODIES: dict[str, Body] = {
    "tools": Body("Tools", groups.read, "groups", over_time=True),
    "skills": Body("Skills", groups.read, "groups", "skill", "of skills", over_time=True),
    "subagents": Body(
        "Subagents", groups.read, "groups", "subagent", "of subagents", over_time=True
    ),
    "mcp": Body("MCP", groups.read, "groups", "mcp_server", "of MCP servers", over_time=True),
    "users": Body("Users", users.read, "users", chart="people"),
    "performance": Body("Performance", performance.read, "performance", chart="performance"),
    "queries": Body("Queries", queries.read, "queries"),
    "cost": Body("Cost", cost.read, "cost"),
}


def tabs(reading: Reading) -> dict[str, Body]:
    return BODIES


def read(reading: Reading) -> Any:
    return BODIES[reading.state.tab].read(reading)
