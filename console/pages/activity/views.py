"""The saved views of this page: a list to open one from, and what is new in the open one.

A view is opened by its name: `?view=<id>`, or the bare address of a page that has a default. Such
an address stands for another one, `opened`, which holds the whole filter and when the view was
opened before. So a reload or Back shows the same again, and only opening it anew is a new look.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from console import activity, saved_views
from console.audit import Caller, now
from console.instance import Instance
from console.pages import visits
from console.pages.activity.reading import Reading
from console.queries.audit_filter import AuditFilter, Term
from console.queries.audit_grammar import PARAMETERS, WINDOW, ask
from console.queries.window import moment
from schema.bind import Text
from schema.errors import BadParameter

NONE, DEFAULT, NEVER = "none", "default", "never"
_SHORT = {*WINDOW, "view"}  # an address of no more than these may stand for a view


def page_name(*, own: bool) -> str:
    """The page as saved views name it."""
    return "me" if own else saved_views.FIRST_PAGE


@dataclass(frozen=True)
class View:
    """One saved view. `asks`: the parameters of its URL."""

    id: str
    name: str
    is_default: bool
    looked_at: datetime | None
    asks: Mapping[str, str]

    @property
    def link(self) -> str:
        """Its filter in an address that works for everybody who may open the page."""
        return visits.url(self.asks)

    def opened(self, asks: Mapping[str, str]) -> str:
        """The address of the view open with `asks`."""
        before = NEVER if self.looked_at is None else self.looked_at.isoformat() + "Z"
        return visits.url({**asks, "view": self.id, "looked": before})


def of(instance: Instance, user_id: str, page: str) -> list[View]:
    """Somebody's views of a page, by name. Blocks."""
    rows = instance.store.rows(saved_views.of_page, Text(user_id), Text(page))
    rows.sort(key=lambda row: (row["name"].casefold(), row["id"]))
    return [
        View(
            row["id"],
            row["name"],
            bool(row["is_default"]),
            row["looked_at"],
            saved_views.asks(row),
        )
        for row in rows
    ]


async def opened(instance: Instance, caller: Caller, query: str, *, own: bool) -> str:
    """The query that `query` stands for: mostly itself. The bare address, and `view=default` with
    a window or without, is the reader's default view; `view=<id>` one by name; both are looks at
    it. A view of somebody else is none: what stands beside it in the address is shown."""
    given = dict(parse_qsl(query))
    wanted = given.pop("view", DEFAULT)
    if wanted == NONE or "looked" in given or (query and "view=" not in query):
        return query
    mine = await instance.store.offload(of, instance, caller.me.user_id, page_name(own=own))
    for view in mine:
        if view.is_default if wanted == DEFAULT else view.id == wanted:
            instance.store.write(saved_views.look(view.id, now()))  # nobody waits for it
            return view.opened(_filled(view, given)).removeprefix("?")
    if wanted != DEFAULT and not given:
        return f"view={NONE}"
    return visits.url(given).removeprefix("?")


def _filled(view: View, given: Mapping[str, str]) -> Mapping[str, str]:
    """The view's filter, with the window of the address in place of its own if one is given; and
    nothing of it where the address has a filter itself."""
    if given.keys() - _SHORT:
        return given
    if not given:
        return view.asks
    return {name: text for name, text in view.asks.items() if name not in WINDOW} | dict(given)


def read(reading: Reading) -> dict[str, Any]:
    """`all`; `current`: the one that is open, or that asks the same, `is_changed` if the reader
    has changed its filter since; `default`, if there is one; `asks`: the state as a view would
    keep it; `news` of the open view."""
    state, me = reading.state, reading.caller.me.user_id
    views = of(reading.reader.instance, me, page_name(own=reading.own))
    asked = state.kept
    current = next((view for view in views if view.id == state.view), None)
    found = current or next((view for view in views if view.asks == asked), None)
    news = _news(reading, current) if current is not None else None
    return {
        "all": views,
        "current": found,
        "is_changed": found is not None and found.asks != asked and not (news and news["shown"]),
        "default": next((view for view in views if view.is_default), None),
        "asks": visits.url(asked),
        "news": news,
    }


def _news(reading: Reading, view: View) -> dict[str, Any] | None:
    """How many events of the view came since it was opened `before`; None for its first time and
    where it is changed. `shown`: the list holds these only."""
    state = reading.state
    if reading.asked is None or state.looked in ("", NEVER):
        return None
    older = {
        name: text for name, text in view.asks.items() if name not in ("since_minutes", "since")
    }
    newer = {**older, "since": state.looked}
    shown = state.kept == newer
    if not shown and state.kept != view.asks:
        return None
    try:
        before = moment("looked", state.looked)
        filter = _filter(reading, newer)
    except BadParameter:  # an address written by hand, or a view that ends before that moment
        return None
    return {
        "count": activity.kpis(reading.reader, filter)["events_total"],
        "before": before,
        "shown": shown,
        "url": state.url(**(_turned(view.asks) if shown else _turned(newer))),
    }


def _turned(given: Mapping[str, str]) -> dict[str, str | None]:
    """The window of `given` as changes to the state."""
    return {name: given.get(name) for name in ("since_minutes", "since")}


def _filter(reading: Reading, given: Mapping[str, str]) -> AuditFilter:
    """The filter of a view's parameters as the page itself would read them."""
    people = reading.reader.instance.people
    filtering = {name: text for name, text in given.items() if name in PARAMETERS}
    filter = ask(filtering, now=reading.at, resolve=people.named).filter
    if reading.own:
        filter = filter.and_(Term("user_id", (reading.reader.principal.user_id,)))
    return filter
