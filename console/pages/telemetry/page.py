"""The Telemetry page: what its parts are, and what its address asks of them."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from console.audit import Caller, now
from console.identity.rights import TELEMETRY
from console.instance import Instance
from console.pages import time_range
from console.pages.parts import Part, PartsPage
from console.pages.telemetry import (
    actions,
    ask,
    before,
    body,
    cards,
    facets,
    failures,
    filters,
    neighbours,
    popularity,
    series,
)
from console.pages.telemetry.reading import Reading
from console.pages.telemetry.state import TelemetryState
from console.queries.telemetry_filter import ANY, TelemetryFilter
from console.telemetry import READ, Reader, filter_of

PARTS: tuple[Part[Reading], ...] = (
    Part("range", time_range.read, alone=True, template="parts/range.html"),
    Part("cards", cards.read, beats=True),
    Part("before", before.read, beats=True, later=True),
    Part("ask", ask.read, alone=True),
    Part("tabs", body.tabs, alone=True),
    Part("filters", filters.read, alone=True),
    Part("actions", actions.read),
    Part("facets", facets.read, beats=True, later=True, template="parts/facets.html"),
    Part("series", series.read),
    Part("body", body.read),
    Part("failures", failures.read),
    Part("neighbours", neighbours.read, beats=True, later=True),
    Part("popularity", popularity.read, beats=True, later=True),
)


class TelemetryPage(PartsPage[Reading]):
    path = "/admin/telemetry"
    title = "Telemetry"
    about = "which tools, skills, subagents and MCP servers are used, fail, or lie unused"
    section: str | None = "Activity Center"
    shortcut = "g t"
    right = TELEMETRY
    template = "telemetry.html"
    folder = "telemetry"
    parts = PARTS
    counts = "call"
    ranged = True
    styles: Sequence[str] = (
        *(f"parts/{name}.css" for name in ("cards", "facets", "charts")),
        *(f"activity/{name}.css" for name in ("layout", "filters", "actions")),
        *(f"telemetry/{name}.css" for name in ("telemetry", "bodies", "ask")),
    )
    scripts: Sequence[str] = (
        *(f"parts/{name}.js" for name in ("charts", "tabs")),
        *("activity/actions.js", "telemetry/telemetry.js", "telemetry/ask.js"),
    )

    def begun(self, instance: Instance, caller: Caller, *, beat: bool) -> Reading:
        reader = Reader(instance, caller.me)
        return Reading(reader, caller, self.path, TelemetryState(tab="tools"), now(), beat=beat)

    def stated(self, reading: Reading, query: str) -> Reading:
        return replace(reading, state=TelemetryState.of(query))

    async def filtered(self, reading: Reading) -> Reading:
        state = reading.state
        about = body.BODIES[state.tab].about
        given = {**({about: ANY} if about else {}), **state.given}
        return replace(reading, given=given, filter=filter_of(given, now=reading.at))

    def unfiltered(self, reading: Reading) -> Reading:
        return replace(reading, given={}, filter=TelemetryFilter())

    def noted(self, reading: Reading) -> Sequence[Awaitable[Any]]:
        instance, state = reading.reader.instance, reading.state
        read = {"endpoint": "page", "tab": state.tab, **reading.given}
        return [instance.was_read(reading.caller, READ, read)]

    def chart(
        self, reading: Reading, found: Mapping[str, Any]
    ) -> tuple[str, Mapping[str, Any]] | None:
        shown = body.BODIES[reading.state.tab]
        if shown.over_time and found["series"]:
            return "telemetry", found["series"]
        if shown.chart and found["body"]["mark"]:
            return shown.chart, found["body"]
        return None
