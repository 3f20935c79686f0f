"""Charts and tables of the console, for a page and for JupyterLab alike: `show(client, "usage")`.

A view is drawn from the answer of an endpoint, wherever it comes from: a page passes what it has
read, a notebook a client (`console.client.connect()`). The same answer gives the same picture.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import holoviews as hv
import panel as pn

from console.views import durations, findings, histogram, people, queries, syncs, telemetry, usage

# In a notebook, too, no other host is asked: what draws a chart goes along with it.
hv.extension("bokeh", logo=False, inline=True)

_OBSERVED = "/api/admin/observability"


class Asks(Protocol):
    """What is needed of a client: `console.client.Client` has it."""

    def request(self, method: str, path: str, **options: Any) -> dict[str, Any]: ...


@dataclass(frozen=True)
class View:
    """`draw` makes a HoloViews object of the endpoint's answer."""

    title: str
    endpoint: str
    draw: Callable[[Mapping[str, Any]], Any]


VIEWS: Mapping[str, View] = {
    "timeline": View("Events over time", f"{_OBSERVED}/histogram", histogram.draw),
    "performance": View("Duration over time", f"{_OBSERVED}/performance", durations.draw),
    "usage": View("People over time", f"{_OBSERVED}/usage", usage.draw),
    "queries": View("Queries", f"{_OBSERVED}/queries", queries.draw),
    "syncs": View("Syncs", f"{_OBSERVED}/syncs", syncs.draw),
    "people": View("People by day", "/api/admin/telemetry/people", people.draw),
    "telemetry": View("Calls over time", "/api/admin/telemetry/series", telemetry.draw),
    "findings": View("Findings by week", "/api/admin/sessions/findings", findings.draw),
}


def show(client: Asks, name: str, **filter: Any) -> Any:
    """The view `name` as a Panel object. `filter` are the timeline's own parameters:
    `show(client, "performance", since_minutes=1440, source="web")`."""
    view = VIEWS[name]
    answer = client.request("GET", view.endpoint, params=filter)
    drawn: Any = pn.panel(view.draw(answer))
    return pn.Column(f"**{view.title}**", drawn)
