"""What the buttons of the side panel do: look behind the mask, undo a change. One form, one
address.

With scripts the answer is a part of the page (`static/activity/panel.js` puts it there); without
them it is a page, or the way back. What happens is decided by `console.reveal` and
`console.changes.rollback`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import urlsplit

from console.activity import Reader
from console.audit import cut
from console.changes.rollback import rollback
from console.handler import text_of
from console.identity.rights import ADMIN, Right
from console.pages.act import Act
from console.pages.activity.panel.event import unmasked
from console.pages.activity.state import ActivityState
from console.pages.render import render
from console.reveal import LONGEST, reveal
from schema.errors import BadParameter, BadRequest

PATH = "/admin/activity"
_ACTIONS = {"reveal": "audit.reveal_raw", "undo": "audit.rollback"}


class ActivityActs(Act):
    """`reveal=<event>` with `reason`, or `undo=<event>`, with one or without."""

    refusal = "activity/panel/refused.html"
    rights: ClassVar[Mapping[str, Right]] = {"POST": ADMIN}

    async def prepare(self) -> None:
        """A refusal, too, stands in the log as what it would have been."""
        self._given: dict[str, str] = {}
        for name, texts in self.request.body_arguments.items():
            if len(texts) > 1:
                raise BadParameter(name, f"{len(texts)} values", "give it once")
            self._given[name] = text_of(name, texts[0])
        for name, action in _ACTIONS.items():
            if self._given.get(name):
                self.refused_as(action)
                self.about = f"event:{cut(self._given[name], 64)}"
        await super().prepare()

    async def post(self) -> None:
        reason = self._given.get("reason", "").strip()
        match [(name, self._given[name]) for name in _ACTIONS if self._given.get(name)]:
            case [("reveal", id)]:
                await self._reveal(id, reason)
            case [("undo", id)]:
                await self._undo(id, reason)
            case _:
                raise BadRequest("the form asks for nothing", detail="Give one of reveal, undo.")

    async def _reveal(self, id: str, reason: str) -> None:
        reader = Reader(self.instance, self.caller.me)
        row = await reveal(reader, self.caller, id, reason)
        template = "contents" if self.is_live else "revealed"

        def shown() -> str:
            back = self._query(id)
            panel = unmasked(reader, row)
            return render(f"activity/panel/{template}.html", panel=panel, row=row, back=back)

        self.answer(await self.instance.store.offload(shown))

    async def _undo(self, id: str, reason: str) -> None:
        if len(reason) > LONGEST:
            raise BadParameter("reason", reason, f"at most {LONGEST} characters")
        done = await self.instance.store.awrite(rollback(self.caller, id, reason=reason or None))
        query = self._query(done["audit_id"])
        if not self.is_live:
            self.lead(PATH + query)
            return
        self.set_header("Content-Location", PATH + query)
        self.answer("The change was undone.")

    def _query(self, id: str) -> str:
        """The query of the page that the form stands on, with this event in its panel."""
        try:
            query = urlsplit(self.request.headers.get("Referer", "")).query
            return ActivityState.of(query).url(row=id)
        except (BadParameter, ValueError):
            return ActivityState(row=id).url()


ROUTES: list[Any] = [(rf"{PATH}/act", ActivityActs)]
