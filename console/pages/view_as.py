"""Viewing as somebody else, from pages: the button that begins it, the one that ends it, and a page
that asks for the end, where no other page can be shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from console import view_as
from console.handler import text_of
from console.identity.rights import ADMIN, SIGNED_IN, Right
from console.pages.act import Act
from console.pages.sign_in import FormPage
from schema.errors import BadRequest


class Begin(Act):
    """The field `user_id`: view as that person."""

    rights: ClassVar[Mapping[str, Right]] = {"POST": ADMIN}
    actions: ClassVar[Mapping[str, str]] = {"POST": "view_as.start"}

    async def post(self) -> None:
        given = self.request.body_arguments.get("user_id", [])
        if len(given) != 1:
            raise BadRequest("the form names nobody", detail="Give user_id once.")
        await view_as.begin(self.instance, self.caller, text_of("user_id", given[0]))
        self.lead("/")


class End(FormPage):
    """Asks with GET, ends with POST; then the person's page, as oneself."""

    rights: ClassVar[Mapping[str, Right]] = {"GET": SIGNED_IN, "POST": SIGNED_IN}
    harmless = ("POST",)
    template: ClassVar[str] = "view_as.html"

    def context(self) -> dict[str, Any]:
        me = self.caller.principal
        return {"viewer": me if me is not None and me.view is not None else None}

    async def get(self) -> None:
        self.show()

    async def post(self) -> None:
        held = await view_as.end(self.instance, self.caller)
        self.go(f"/admin/users/{held.user_id}")


ROUTES = [(r"/admin/view-as", Begin), (r"/view-as/end", End)]
