"""`/api/view-as`: an admin sees what somebody else sees, with the browser or the token that asks,
until it ends. Nothing can be changed meanwhile."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from console import view_as
from console.handler import Handler
from console.identity.rights import ADMIN, SIGNED_IN, Right


class ViewAs(Handler):
    """GET says whether the caller views as somebody, POST `{user_id}` begins, DELETE ends."""

    rights: ClassVar[Mapping[str, Right]] = {"GET": SIGNED_IN, "POST": ADMIN, "DELETE": SIGNED_IN}
    actions: ClassVar[Mapping[str, str]] = {"POST": "view_as.start"}
    harmless = ("DELETE",)

    async def get(self) -> None:
        self.query(())
        held = self.instance.gate.views.of(self.caller.credential)
        self.send(await self.instance.store.offload(view_as.shown, self.instance, held))

    async def post(self) -> None:
        self.query(())
        given = self.body({"user_id": str}, need=("user_id",))
        held = await view_as.begin(self.instance, self.caller, given["user_id"])
        self.send(await self.instance.store.offload(view_as.shown, self.instance, held), 201)

    async def delete(self) -> None:
        self.query(())
        await view_as.end(self.instance, self.caller)
        self.nothing()


ROUTES = [(r"/api/view-as", ViewAs)]
