"""The audit log as a page, and a person's own part of it on `/me`.

`ActivityState` holds what the reader asked for, all of it in the URL; `ActivityPage` reads, renders
and lives.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

import param

from console import activity
from console.activity import Reader
from console.audit import Caller, now
from console.identity.rights import ACTIVITY, SIGNED_IN, Right
from console.instance import Instance
from console.pages import shell, visits
from console.pages.entry import Arrival
from console.pages.render import render
from console.queries.audit_filter import AuditFilter, Term
from console.queries.audit_grammar import PARAMETERS, Asked, ask
from console.queries.vocabulary import RESULT_CLASSES, SOURCES
from console.queries.window import moment
from schema.errors import AgnesError

ROWS = 50
REGIONS = ("notice", "pulse", "cards", "filters", "rows")
WINDOWS = (("60", "1 h"), ("360", "6 h"), ("1440", "24 h"), ("10080", "7 d"), ("43200", "30 d"))
_ALLOWED = (*PARAMETERS, "sort", "cursor_ts", "cursor_id")


class ActivityState(param.Parameterized):
    """What the reader has chosen. One for each visit; all of it lives in the URL."""

    given = param.Dict(default={}, doc="Filter parameters, as the API names them.")
    sort = param.String(default="", doc="column:asc or column:desc; empty for newest first.")
    cursor = param.Tuple(
        default=("", ""), length=2, doc="Time and id of the row the page begins after."
    )

    @classmethod
    def of(cls, query: str) -> ActivityState:
        """The state that a URL's query holds. Raises BadParameter for unknown and repeated
        names."""
        found = visits.asked(query, _ALLOWED)
        cursor = found.pop("cursor_ts", ""), found.pop("cursor_id", "")
        return cls(given=found, sort=found.pop("sort", ""), cursor=cursor)

    def url(self, **changes: str | None) -> str:
        """The query of this state with `changes` (None takes a filter out); a changed filter starts
        at the top."""
        return visits.url({**self.given, "sort": self.sort, **changes})

    def sorted_by(self, column: str) -> str:
        """The query that sorts by `column`, or turns the direction where it is sorted by it
        already."""
        now_by, _, direction = (self.sort or "timestamp:desc").partition(":")
        turned = "asc" if now_by == column and direction != "asc" else "desc"
        return self.url(sort=f"{column}:{turned}")


@dataclass(frozen=True)
class Shown:
    """One reading of the log for one state: everything the regions need."""

    state: ActivityState
    rows: list[dict[str, Any]]
    next: str | None
    kpis: Mapping[str, Any]
    people: int
    asked: Asked | None
    error: AgnesError | None
    at: datetime


class ActivityPage:
    """Reads the state, asks, shows. Decides nothing else."""

    template = "activity.html"
    regions: Sequence[str] = REGIONS
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
        shown, regions = await self._show(instance, caller, query)
        frame = shell.frame(self, caller)
        health = await instance.store.offload(shell.health, instance, caller.me)
        status = shown.error.status if shown.error else 200
        return Arrival(caller, {**frame, "regions": regions, "health": health}, status)

    def document(self, instance: Instance) -> Any:
        """A factory for Panel: one `Live` component for each visit."""
        return visits.document(self, instance)

    async def show(
        self, instance: Instance, caller: Caller, query: str, *, beat: bool
    ) -> Mapping[str, str]:
        return (await self._show(instance, caller, query))[1]

    async def _show(
        self, instance: Instance, caller: Caller, query: str
    ) -> tuple[Shown, dict[str, str]]:
        reader = Reader(instance, caller.me)
        shown = await self._read(reader, query)
        endpoint = "me" if self.own else "page"
        writing = activity.was_read(instance, caller, endpoint, shown.state.given)
        drawing = instance.store.offload(self._draw, reader, shown)
        _, regions = await asyncio.gather(writing, drawing)
        return shown, regions

    async def _read(self, reader: Reader, query: str) -> Shown:
        """Rows and cards are asked for at the same time: the first paint waits for both."""
        offload = reader.instance.store.offload
        at = now()
        state = ActivityState()
        try:
            state = ActivityState.of(query)
            named = reader.instance.people.named
            asked = await offload(partial(ask, state.given, now=at, resolve=named))
            filter = asked.filter
            if self.own:
                filter = filter.and_(Term("user_id", (reader.principal.user_id,)))
            page, cards = await asyncio.gather(
                offload(_page, reader, filter, state), offload(activity.kpis, reader, filter)
            )
        except AgnesError as error:
            return Shown(state, [], None, {}, 0, None, error, at)
        following = None
        if page.next is not None:
            ts = page.next["ts"].isoformat() + "Z"
            following = state.url(cursor_ts=ts, cursor_id=page.next["id"])
        people = reader.instance.people.active()
        return Shown(state, page.rows, following, cards, people, asked, None, at)

    def _draw(self, reader: Reader, shown: Shown) -> dict[str, str]:
        health = None if self.own else shell.health(reader.instance, reader.principal)
        common = {
            "page": self,
            "shown": shown,
            "state": shown.state,
            "health": health,
            "windows": WINDOWS,
            "result_classes": RESULT_CLASSES,
            "sources": SOURCES,
        }
        notice = render("notice.html", error=shown.error)
        drawn = {name: render(f"activity/{name}.html", **common) for name in REGIONS[1:]}
        return {"notice": notice, **drawn}


def _page(reader: Reader, filter: AuditFilter, state: ActivityState) -> activity.Page:
    ts, id = state.cursor
    start = moment("cursor_ts", ts) if ts else None
    by = activity.order(state.sort or None, start, id or None, reader)
    return activity.timeline(reader, filter, by, ROWS)


def activity_pages() -> tuple[ActivityPage, ActivityPage]:
    return ActivityPage(), ActivityPage("/me", SIGNED_IN, own=True)
