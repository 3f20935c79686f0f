"""What the forms of users & access do: one address, with scripts and without.

A button's name says what is done, its value to whom or what. Afterwards the page on which it stood
is shown, with the event of what was done (`done`), from which it draws the notice; a secret that is
shown once comes in the answer itself, and nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

from console.audit import cut
from console.handler import text_of
from console.identity.rights import ADMIN, Right
from console.pages import visits
from console.pages.access import group_deeds, token_deeds, user_deeds
from console.pages.access.desk import Deed, Desk, Done
from console.pages.access.state import STEP
from console.pages.act import Act
from console.pages.render import error_page, render
from schema.errors import AgnesError, BadParameter, BadRequest, Conflict

PATH = "/admin/access"
DEEDS: Mapping[str, Deed] = {**user_deeds.DEEDS, **group_deeds.DEEDS, **token_deeds.DEEDS}
_PAGES = re.compile(r"/admin/(users|groups|access|tokens|users/[A-Za-z0-9._-]+)")
_MANY = "chosen"
# Of which field a conflict speaks.
_TAKEN = {"create_user": "email", "create_group": "name", "update_group": "name"}
_FIELDS = sorted({name for deed in DEEDS.values() for name in deed.fields})


class AccessActs(Act):
    """One of DEEDS, and the fields that it reads."""

    rights: ClassVar[Mapping[str, Right]] = {"POST": ADMIN}

    async def prepare(self) -> None:
        """A refusal, too, stands in the log as what it would have been."""
        self._given: dict[str, str] = {}
        self._chosen: list[str] = []
        for name, values in self.request.body_arguments.items():
            texts = [text_of(name, value) for value in values]
            if name == _MANY:
                self._chosen = texts
            elif len(texts) > 1:
                raise BadParameter(name, f"{len(texts)} values", "give it once")
            else:
                self._given[name] = texts[0]
        self._asked = [name for name in DEEDS if self._given.get(name)]
        if self._asked:
            deed = DEEDS[self._asked[0]]
            self.refused_as(deed.action)
            if deed.noun:
                self.about = f"{deed.noun}:{cut(self._given[self._asked[0]], 64)}"
        await super().prepare()

    async def post(self) -> None:
        for name in self._given:
            if name not in ("_xsrf", *_FIELDS, *DEEDS):
                raise BadParameter.unknown(name, _FIELDS, what="field")
        if len(self._asked) != 1:
            what = "several things at once" if self._asked else "nothing"
            raise BadRequest(f"the form asks for {what}", detail=f"Give one of {', '.join(DEEDS)}.")
        name = self._asked[0]
        done = await DEEDS[name].do(self._desk(), self._given[name])
        self._show(done)

    def _desk(self) -> Desk:
        gate = self.instance.gate
        scheme = "https" if gate.is_tls(self.request) else "http"
        public = str(self.instance.settings.public_url or "").rstrip("/")
        return Desk(
            self.instance,
            self.caller,
            self._given,
            self._chosen,
            address=public or f"{scheme}://{self.request.host}",
            secret=gate.cookie_secret(self.request),
        )

    def _show(self, done: Done) -> None:
        to = self._next(done)
        if self.is_live:
            self.set_header("Content-Location", to)
            self.answer(render("access/answer.html", done=done))
        elif done.once:
            self.answer(
                render("access/once_page.html", once=done.once, to=to, viewer=self.caller.principal)
            )
        else:
            self.lead(to)

    def _next(self, done: Done) -> str:
        """The page on which the form stood, after what was done."""
        stood = urlsplit(self.request.headers.get("Referer", ""))
        path = stood.path if _PAGES.fullmatch(stood.path) else PATH
        query: dict[str, str | None] = dict(parse_qsl(stood.query))
        query |= dict.fromkeys(STEP)
        query |= {**done.to, "done": done.event or None}
        said = visits.url(query)
        return path + (said if said != "?" else "")

    def show_error(self, error: AgnesError) -> None:
        """With scripts beside the field that it is about."""
        field = error.name if isinstance(error, BadParameter) else ""
        if isinstance(error, Conflict) and self._asked:
            field = _TAKEN.get(self._asked[0], "")
        self.answer(
            render("access/refused.html", error=error, field=field)
            if self.is_live
            else error_page(error, self.caller.principal)
        )


ROUTES: list[Any] = [(rf"{PATH}/act", AccessActs)]
