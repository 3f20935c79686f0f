"""What the menu of saved views does: one form, one address for each page, with scripts and without.

A browser without scripts is sent to the page that follows; `views.js` shows the notice that it
gets and goes there itself: the header `X-Go` says where.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import ClassVar

from console import saved_views
from console.audit import now
from console.handler import text_of
from console.identity.rights import ACTIVITY, SIGNED_IN, Right
from console.pages import visits
from console.pages.act import Act
from console.pages.activity.state import ActivityState
from console.pages.activity.views import NEVER, NONE, page_name
from schema.errors import BadRequest

_BUTTONS = ("save", "update", "rename", "default", "plain", "delete")


class ViewActs(Act):
    """A button (`save=1`, `rename=<view>`, …) and the fields of the menu: `name` and `is_default`
    of a new view, `name_<view>` of each that is there, `query`: what the page asks for, `at`: its
    whole address. Views are their owner's, so this needs no more than the page does."""

    rights: ClassVar[Mapping[str, Right]] = {"POST": ACTIVITY}
    path = "/admin/activity"
    own = False

    async def prepare(self) -> None:
        """A refusal, too, stands in the log as what it would have been."""
        self._given = {
            name: text_of(name, values[-1]) for name, values in self.request.body_arguments.items()
        }
        act = "views.delete" if "delete" in self._given else "views.save"
        self.refused_as(act)
        await super().prepare()

    async def post(self) -> None:
        acts: dict[str, Callable[[str], Awaitable[None]]] = {
            "save": self._save,
            "update": self._update,
            "rename": self._rename,
            "default": self._default,
            "plain": self._plain,
            "delete": self._delete,
        }
        pressed = [name for name in _BUTTONS if name in self._given]
        if len(pressed) != 1:
            raise BadRequest(
                "the form asks for nothing", detail=f"Give one of {', '.join(_BUTTONS)}."
            )
        await acts[pressed[0]](self._given[pressed[0]])

    async def _save(self, _: str) -> None:
        wanted = {
            "page": page_name(own=self.own),
            "name": self._given.get("name", ""),
            "query": self._asked(),
            "is_default": "is_default" in self._given,
        }
        store = self.instance.store
        row, _new = await store.awrite(saved_views.save(self.caller, wanted, replace=False))
        store.write(saved_views.look(row["id"], now()))
        self._say(f"Saved as {row['name']}.", self._open(row["id"]))

    async def _update(self, id: str) -> None:
        row = await self._change(id, query=self._asked())
        self._say(f"{row['name']} holds this filter now.", self._open(row["id"]))

    async def _rename(self, id: str) -> None:
        row = await self._change(id, name=self._given.get(f"name_{id}", ""))
        self._say(f"The view is called {row['name']} now.", self._at())

    async def _default(self, id: str) -> None:
        row = await self._change(id, is_default=True)
        self._say(f"This page opens with {row['name']} from now on.", self._at())

    async def _plain(self, id: str) -> None:
        await self._change(id, is_default=False)
        self._say("This page opens without a view from now on.", self._at())

    async def _delete(self, id: str) -> None:
        await self.instance.store.awrite(saved_views.delete(self.caller, id))
        state = ActivityState.of(self._given.get("at", "").removeprefix("?"))
        gone = {"view": None, "looked": None} if state.view == id else {}
        self._say("The view is deleted.", state.url(**gone))

    async def _change(self, id: str, **wanted: object) -> Mapping[str, str]:
        step = saved_views.update(self.caller, id, wanted)
        row: Mapping[str, str] = await self.instance.store.awrite(step)
        return row

    def _asked(self) -> dict[str, str]:
        return ActivityState.of(self._given.get("query", "").removeprefix("?")).kept

    def _open(self, id: str) -> str:
        return visits.url({**self._asked(), "view": id, "looked": NEVER})

    def _at(self) -> str:
        return ActivityState.of(self._given.get("at", "").removeprefix("?")).url()

    def _say(self, text: str, to: str) -> None:
        """Tell it, and go `to` this query of the page; the bare address would open a default."""
        to = visits.url({"view": NONE}) if to == "?" else to
        if self.is_live:
            self.set_header("X-Go", to)
            self.answer(self.said(text))
        else:
            self.lead(self.path + to)


class OwnViewActs(ViewActs):
    """The same on `/me`."""

    rights: ClassVar[Mapping[str, Right]] = {"POST": SIGNED_IN}
    path = "/me"
    own = True


ROUTES = [(rf"{acts.path}/views", acts) for acts in (ViewActs, OwnViewActs)]
