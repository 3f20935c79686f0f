"""`/me/notifications`: everything that one was told, and what the bell of every page asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, ClassVar

from console.audit import Caller, now
from console.handler import Handler, text_of
from console.identity.rights import SIGNED_IN, Right
from console.instance import Instance
from console.notifications import bell
from console.notifications.bell import Bell
from console.pages.act import Act
from console.pages.local_path import HOME, local_path
from console.pages.parts import Part, PartsPage
from console.pages.render import render
from console.pages.state import ListState
from schema.errors import BadRequest
from schema.policy import Principal
from schema.store import Store

PATH = "/me/notifications"
ROWS = 50
TITLES = {"all": "All", "unread": "Not read"}


class NoticesState(ListState):
    """`tab`: all of them, or those that were not read."""

    filters = ()
    tabs = tuple(TITLES)


@dataclass(frozen=True)
class Reading:
    instance: Instance
    caller: Caller
    state: NoticesState
    at: datetime
    beat: bool = False


def of(store: Store, me: Principal, *, tab: str, offset: int = 0, limit: int = ROWS) -> Bell:
    """A page of what is in somebody's bell; each row's link leads somewhere here, or nowhere."""
    found = bell.listing(store, me, unread=tab == "unread", limit=limit, offset=offset)
    return replace(found, rows=[{**row, "href": _href(row["link"])} for row in found.rows])


def _href(link: str | None) -> str:
    path = local_path(link) if link else HOME
    return "" if path == HOME else path  # what leads elsewhere leads nowhere


def read_tabs(reading: Reading) -> dict[str, int]:
    """How many there are under each tab."""
    total, unread = bell.counted(reading.instance.store, reading.caller.me)
    return {"all": total, "unread": unread}


def read_list(reading: Reading) -> dict[str, Any]:
    state = reading.state
    store = reading.instance.store
    found = of(store, reading.caller.me, tab=state.tab, offset=state.offset)
    after = state.offset + ROWS
    return {
        "rows": found.rows,
        "total": found.total,
        "unread": found.unread,
        "prev": max(state.offset - ROWS, 0) if state.offset else None,
        "next": after if after < found.total else None,
    }


class NoticesPage(PartsPage[Reading]):
    """One's own messages, newest first."""

    path = PATH
    title = "Notifications"
    about = "what you were told, here and on Telegram"
    right: Right = SIGNED_IN
    template = "notifications.html"
    folder = "notifications"
    parts: Sequence[Part[Reading]] = (
        Part("tabs", read_tabs, beats=True),
        Part("list", read_list, beats=True),
    )
    styles = ("notifications.css",)

    def begun(self, instance: Instance, caller: Caller, *, beat: bool) -> Reading:
        return Reading(instance, caller, NoticesState(), now(), beat=beat)

    def stated(self, reading: Reading, query: str) -> Reading:
        return replace(reading, state=NoticesState.of(query))


class Latest(Handler):
    """The menu of the bell as HTML. Pages ask for it by themselves, so it writes no row."""

    rights: ClassVar[Mapping[str, Right]] = {"GET": SIGNED_IN}

    async def get(self) -> None:
        self.query(())
        store, me = self.instance.store, self.caller.me
        found = await store.offload(lambda: of(store, me, tab="all", limit=bell.LATEST))
        self.set_header("Content-Type", "text/plain; charset=utf-8")  # a part of a page is no page
        self.finish(render("shell/latest.html", bell=found, at=now(), viewer=me))


class Acts(Act):
    """`read=<id>` or `all=1`: it was read."""

    rights: ClassVar[Mapping[str, Right]] = {"POST": SIGNED_IN}

    async def post(self) -> None:
        given = {
            name: text_of(name, values[-1])
            for name, values in self.request.body_arguments.items()
            if name != "_xsrf"
        }
        if set(given) not in ({"read"}, {"all"}):
            raise BadRequest("the form asks for nothing", detail="Give read or all.")
        ids = [given["read"]] if "read" in given else None
        read, _ = await self.instance.store.awrite(bell.read(self.caller.me, ids))
        if not self.is_live:
            return self.lead(PATH)
        plural = "" if read == 1 else "s"
        self.answer(self.said(f"{read} notification{plural} marked as read."))


ROUTES = [(f"{PATH}/latest", Latest), (f"{PATH}/act", Acts)]
