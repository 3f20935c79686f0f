"""The page: reads its parts at the same time, renders each as a region, lives.

A part is a region: a function that reads (it blocks; it runs in the store's pool) and a template
of its name, which sees what all parts have read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from console import activity
from console.activity import Reader
from console.audit import Caller, now
from console.identity.rights import ACTIVITY, SIGNED_IN, Right
from console.instance import Instance
from console.pages import shell, visits
from console.pages.activity import (
    actions,
    before,
    body,
    cards,
    facets,
    filters,
    histogram,
    panel,
    pulse,
    views,
)
from console.pages.activity import range as chosen_range
from console.pages.activity.reading import Reading
from console.pages.activity.state import ActivityState
from console.pages.charts import beside
from console.pages.entry import Arrival
from console.pages.render import render
from console.queries.audit_filter import AuditFilter, Term
from console.queries.audit_grammar import ask
from schema.errors import AgnesError

Read = Callable[[Reading], Any]


@dataclass(frozen=True)
class Part:
    """`beats`: drawn anew when the page asks again by itself; `later`: not part of the first paint,
    but of the first beat, because it costs more than the reader's first look is worth. `alone`: it
    shows something also when the filter could not be read."""

    name: str
    read: Read
    beats: bool = False
    later: bool = False
    alone: bool = False


PARTS: tuple[Part, ...] = (
    Part("pulse", pulse.read, beats=True, alone=True),
    Part("views", views.read, beats=True, alone=True),
    Part("range", chosen_range.read, alone=True),
    Part("cards", cards.read, beats=True),
    Part("before", before.read, beats=True, later=True),
    Part("histogram", histogram.read, beats=True),
    Part("tabs", body.tabs, beats=True, alone=True),
    Part("filters", filters.read, alone=True),
    Part("actions", actions.read, beats=True, alone=True),
    Part("facets", facets.read, beats=True, later=True),
    Part("fresh", body.fresh, beats=True),
    Part("body", body.read),
    Part("panel", panel.read),
)

# What has a style and a script of its own.
_DRESSED = (
    *("histogram", "facets", "filters", "actions", "table", "panel", "tabs", "views"),
    "charts",
)


class ActivityPage:
    """Reads the state, asks, shows. Decides nothing else."""

    template = "activity.html"
    regions: Sequence[str] = ("notice", *(part.name for part in PARTS))
    styles: Sequence[str] = tuple(
        f"activity/{name}.css"
        for name in (
            "layout",
            "histogram",
            "cards",
            "facets",
            "filters",
            "pulse",
            "actions",
            "table",
            "panel",
            "tabs",
            "views",
            "charts",
        )
    )
    scripts: Sequence[str] = tuple(f"activity/{name}.js" for name in (*_DRESSED, "columns"))
    ranged = True
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

    async def arrive(self, instance: Instance, caller: Caller, query: str) -> Arrival:
        """The first paint: regions as HTML, read off the event loop."""
        meant = await self.opened(instance, caller, query)
        if meant != query:
            return Arrival(caller, {}, to=f"{self.path}?{meant}" if meant else self.path)
        reads = [part for part in PARTS if not part.later]
        error, regions = await self._show(instance, caller, query, reads, PARTS)
        frame = shell.frame(self, caller)
        health = await instance.store.offload(shell.health, instance, caller.me)
        status = error.status if error else 200
        return Arrival(caller, {**frame, "regions": regions, "health": health}, status)

    async def opened(self, instance: Instance, caller: Caller, query: str) -> str:
        """The query that this one stands for: a saved view has a short address, too."""
        return await views.opened(instance, caller, query, own=self.own)

    def document(self, instance: Instance) -> Any:
        """A factory for Panel: one `Live` component for each visit."""
        return visits.document(self, instance)

    async def show(
        self, instance: Instance, caller: Caller, query: str, *, beat: bool
    ) -> Mapping[str, str]:
        parts = [part for part in PARTS if part.beats or not beat]
        return (await self._show(instance, caller, query, parts, parts, beat=beat))[1]

    async def _show(
        self,
        instance: Instance,
        caller: Caller,
        query: str,
        reads: Sequence[Part],
        draws: Sequence[Part],
        *,
        beat: bool = False,
    ) -> tuple[AgnesError | None, dict[str, str]]:
        """The regions of `draws`; those of `reads` with what they hold."""
        reader = Reader(instance, caller.me.as_anybody() if self.own else caller.me)
        reading = Reading(reader, caller, self.path, self.own, ActivityState(), now(), beat=beat)
        error = None
        try:
            reading = replace(reading, state=ActivityState.of(query))
            reading = await self._filtered(reading)
            found = await self._read(reading, reads)
        except AgnesError as refused:
            error, draws = refused, [part for part in draws if part.alone]
            found = await self._read(replace(reading, asked=None, filter=AuditFilter()), draws)
        draw = partial(self._draw, reading, draws, found, error)
        regions = await instance.store.offload(draw)
        return error, regions if beat else beside(regions, reading.state.tab, found.get("body"))

    async def _filtered(self, reading: Reading) -> Reading:
        people = reading.reader.instance.people
        question = partial(ask, reading.state.given, now=reading.at, resolve=people.named)
        asked = await reading.reader.instance.store.offload(question)
        filter = asked.filter
        if self.own:
            filter = filter.and_(Term("user_id", (reading.reader.principal.user_id,)))
        return replace(reading, asked=asked, filter=filter)

    async def _read(self, reading: Reading, parts: Sequence[Part]) -> dict[str, Any]:
        """What each part has read, by its name, at the same time; and the row that says so."""
        instance = reading.reader.instance
        endpoint = "me" if self.own else "page"
        writing = []
        if not reading.beat:
            state = reading.state
            writing.append(activity.was_read(instance, reading.caller, endpoint, state.given))
            if state.row:
                opened = {"id": state.row}
                writing.append(activity.was_read(instance, reading.caller, "event", opened))
        reads = [instance.store.offload(part.read, reading) for part in parts]
        found = await asyncio.gather(*reads, *writing)
        return dict(zip((part.name for part in parts), found, strict=False))

    def _draw(
        self,
        reading: Reading,
        parts: Sequence[Part],
        found: Mapping[str, Any],
        error: AgnesError | None,
    ) -> dict[str, str]:
        common: dict[str, Any] = {part.name: None for part in PARTS}
        common |= {"page": self, "reading": reading, "state": reading.state, "error": error}
        common |= found
        drawn = {part.name: render(f"activity/{part.name}.html", **common) for part in parts}
        blank = {} if error is None else dict.fromkeys(self.regions, "")
        return {**blank, "notice": render("notice.html", error=error), **drawn}


def activity_pages() -> tuple[ActivityPage, ActivityPage]:
    return ActivityPage(), ActivityPage("/me", SIGNED_IN, own=True)
