"""The audit log: what its parts are, and what its address asks of them."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from console import activity
from console.activity import Reader
from console.audit import Caller, now
from console.identity.rights import ACTIVITY, SIGNED_IN, Right
from console.instance import Instance
from console.pages import time_range
from console.pages.activity import (
    actions,
    before,
    body,
    cards,
    facets,
    filters,
    histogram,
    mine,
    panel,
    pulse,
    views,
)
from console.pages.activity.reading import Reading
from console.pages.activity.state import ActivityState
from console.pages.parts import Part, PartsPage
from console.queries.audit_filter import AuditFilter, Term
from console.queries.audit_grammar import ask

PARTS: tuple[Part[Reading], ...] = (
    Part("pulse", pulse.read, beats=True, alone=True),
    Part("views", views.read, beats=True, alone=True),
    Part("range", time_range.read, alone=True, template="parts/range.html"),
    Part("mine", mine.read, alone=True, template="person/mine.html"),
    Part("cards", cards.read, beats=True),
    Part("before", before.read, beats=True, later=True),
    Part("histogram", histogram.read, beats=True),
    Part("tabs", body.tabs, beats=True, alone=True),
    Part("filters", filters.read, alone=True),
    Part("actions", actions.read, beats=True, alone=True),
    Part("facets", facets.read, beats=True, later=True, template="parts/facets.html"),
    Part("fresh", body.fresh, beats=True),
    Part("body", body.read),
    Part("panel", panel.read),
)

_STYLES = ("layout", "histogram", "filters", "pulse", "actions", "table", "panel", "tabs", "views")
_SCRIPTS = ("histogram", "filters", "actions", "table", "panel", "tabs", "views", "columns")
CHARTS = ("performance", "usage")  # tabs that have one, by their name among the views


class ActivityPage(PartsPage[Reading]):
    """The log of the instance, and, `own`, of its reader alone."""

    template = "activity.html"
    folder = "activity"
    parts = PARTS
    styles: Sequence[str] = (
        *(f"parts/{name}.css" for name in ("cards", "facets", "charts")),
        *(f"activity/{name}.css" for name in _STYLES),
    )
    scripts: Sequence[str] = (
        *(f"parts/{name}.js" for name in ("facets", "charts", "rows", "tabs")),
        *(f"activity/{name}.js" for name in _SCRIPTS),
    )
    ranged = True
    counts = "event"
    title = "Audit log"
    about = "everything that happened on this instance"

    def __init__(
        self, path: str = "/admin/activity", right: Right = ACTIVITY, *, own: bool = False
    ) -> None:
        self.path, self.right, self.own = path, right, own
        self.section = None if own else "Activity Center"
        self.shortcut = "g m" if own else "g a"
        if own:
            self.title, self.about = "My activity", "what this instance has recorded about you"

    async def opened(self, instance: Instance, caller: Caller, query: str) -> str:
        """The query that this one stands for: a saved view has a short address, too."""
        return await views.opened(instance, caller, query, own=self.own)

    def begun(self, instance: Instance, caller: Caller, *, beat: bool) -> Reading:
        reader = Reader(instance, caller.me.as_anybody() if self.own else caller.me)
        return Reading(reader, caller, self.path, self.own, ActivityState(), now(), beat=beat)

    def stated(self, reading: Reading, query: str) -> Reading:
        return replace(reading, state=ActivityState.of(query))

    async def filtered(self, reading: Reading) -> Reading:
        people = reading.reader.instance.people
        question = partial(ask, reading.state.given, now=reading.at, resolve=people.named)
        asked = await reading.reader.instance.store.offload(question)
        filter = asked.filter
        if self.own:
            filter = filter.and_(Term("user_id", (reading.reader.principal.user_id,)))
        return replace(reading, asked=asked, filter=filter)

    def unfiltered(self, reading: Reading) -> Reading:
        return replace(reading, asked=None, filter=AuditFilter())

    def noted(self, reading: Reading) -> Sequence[Awaitable[Any]]:
        instance, state, caller = reading.reader.instance, reading.state, reading.caller
        endpoint = "me" if self.own else "page"
        rows = [activity.was_read(instance, caller, endpoint, state.given)]
        if state.row:
            rows.append(activity.was_read(instance, caller, "event", {"id": state.row}))
        return rows

    def chart(
        self, reading: Reading, found: Mapping[str, Any]
    ) -> tuple[str, Mapping[str, Any]] | None:
        tab, body = reading.state.tab, found["body"]
        shows = tab in CHARTS and body and (body.get("events_total") or body.get("people"))
        return (tab, body) if shows else None


def activity_pages() -> tuple[ActivityPage, ActivityPage]:
    return ActivityPage(), ActivityPage("/me", SIGNED_IN, own=True)
