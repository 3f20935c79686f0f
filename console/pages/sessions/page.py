"""The sessions: what the page's parts are, and what its address asks of them."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from console import sessions
from console.audit import Caller, now
from console.identity.rights import SESSIONS
from console.instance import Instance
from console.pages import time_range
from console.pages.parts import Part, PartsPage
from console.pages.sessions import (
    actions,
    before,
    cards,
    facets,
    filters,
    heatmap,
    hits,
    rows,
    sentence,
)
from console.pages.sessions.reading import Reading
from console.pages.sessions.state import SessionsState
from console.queries.sessions import SessionFilter
from console.session_filter import filter_of, sort_of

PARTS: tuple[Part[Reading], ...] = (
    Part("sentence", sentence.read, beats=True),
    Part("range", time_range.read, alone=True, template="parts/range.html"),
    Part("cards", cards.read, beats=True),
    Part("before", before.read, beats=True, later=True),
    Part("heatmap", heatmap.read, beats=True),
    Part("filters", filters.read, beats=True, alone=True),
    Part("actions", actions.read, beats=True, alone=True),
    Part("facets", facets.read, beats=True, template="parts/facets.html"),
    Part("hits", hits.read),
    Part("rows", rows.read, beats=True),
)


class SessionsPage(PartsPage[Reading]):
    """What happened in the sessions of a window, and the list of them."""

    path = "/admin/sessions"
    title = "Sessions"
    about = "what happened in people's conversations, and where they got stuck"
    section: str | None = "Activity Center"
    shortcut = "g s"
    right = SESSIONS
    template = "sessions.html"
    folder = "sessions"
    parts = PARTS
    counts = "session"
    styles: Sequence[str] = (
        *(f"parts/{name}.css" for name in ("cards", "facets", "charts", "verdicts")),
        *(f"activity/{name}.css" for name in ("layout", "filters", "pulse", "actions")),
        *(f"sessions/{name}.css" for name in ("heatmap", "hits", "list")),
    )
    scripts: Sequence[str] = (
        *(f"parts/{name}.js" for name in ("facets", "charts", "rows")),
        "activity/actions.js",
        *(f"sessions/{name}.js" for name in ("heatmap", "hits")),
        "sessions/list.js",
    )
    ranged = True
    charted = "heatmap"

    def begun(self, instance: Instance, caller: Caller, *, beat: bool) -> Reading:
        reader = sessions.Reader(instance, caller.me)
        return Reading(reader, caller, SessionsState(), now(), beat=beat)

    def stated(self, reading: Reading, query: str) -> Reading:
        return replace(reading, state=SessionsState.of(query))

    async def filtered(self, reading: Reading) -> Reading:
        state = reading.state
        filter, sort = filter_of(state.given, now=reading.at), sort_of(state.sort or None)
        question = partial(sessions.looked_up, reading.reader, filter)
        filter = await reading.reader.instance.store.offload(question)
        return replace(reading, filter=filter, sort=sort, is_known=True)

    def unfiltered(self, reading: Reading) -> Reading:
        return replace(reading, filter=SessionFilter(), is_known=False)

    def chart(
        self, reading: Reading, found: Mapping[str, Any]
    ) -> tuple[str, Mapping[str, Any]] | None:
        drawn = found["heatmap"]
        return ("findings", drawn) if drawn["total_findings"] else None

    def noted(self, reading: Reading) -> Sequence[Awaitable[Any]]:
        params = {"endpoint": "page", **reading.state.given}
        return (reading.reader.instance.was_read(reading.caller, sessions.READ, params),)
