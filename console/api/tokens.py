"""`/api/admin/tokens`: everybody's tokens, for admins; `/api/me/tokens`: one's own, for
everybody."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from console.api.lists import LIST_ARGUMENTS, READ, AccessHandler
from console.identity import tokens
from console.identity.lookup import where_id
from console.identity.rights import SIGNED_IN, Right
from schema.errors import Forbidden

FIELDS: dict[str, type | tuple[type, ...]] = {"name": str, "expires_days": int, "kind": str}


class Tokens(AccessHandler):
    actions: ClassVar[Mapping[str, str]] = {"GET": READ, "POST": "token.create"}

    async def get(self) -> None:
        given = self.query((*LIST_ARGUMENTS, "user_id"))
        await self.send_list(tokens.listing(given.get("q"), owner=given.get("user_id")), given)

    async def post(self) -> None:
        self.query(())
        await make(self, self.body({"user_id": str, **FIELDS}, need=("user_id", "name")))


class Token(AccessHandler):
    actions: ClassVar[Mapping[str, str]] = {
        "GET": READ,
        "PATCH": "token.update",
        "DELETE": "token.revoke",
    }

    async def get(self, id: str) -> None:
        self.query(())
        await self.send_one(where_id(tokens.listing(), id), "token", id)

    async def patch(self, id: str) -> None:
        self.query(())
        given = self.body({"name": str}, need=("name",))
        step = tokens.rename(self.caller, id, given["name"])
        self.send(await self.instance.store.awrite(step))

    async def delete(self, id: str) -> None:
        self.query(())
        await self.instance.store.awrite(tokens.revoke(self.caller, id))
        self.nothing()


class MyTokens(AccessHandler):
    rights: ClassVar[Mapping[str, Right]] = {"GET": SIGNED_IN, "POST": SIGNED_IN}
    actions: ClassVar[Mapping[str, str]] = {"GET": READ, "POST": "token.create"}

    async def get(self) -> None:
        given = self.query(LIST_ARGUMENTS)
        mine = tokens.listing(given.get("q"), owner=self.caller.me.user_id)
        await self.send_list(mine, given)

    async def post(self) -> None:
        self.query(())
        if self.caller.client_kind not in ("web", "cli"):
            # Else what an agent does could come to stand in the log as its person's own doing.
            raise Forbidden(
                f"a token of kind {self.caller.client_kind} makes no tokens",
                detail="Make it in a browser, or with a token of kind cli.",
            )
        given = self.body(FIELDS, need=("name",))
        await make(self, {"user_id": self.caller.me.user_id, **given})


class MyToken(AccessHandler):
    rights: ClassVar[Mapping[str, Right]] = {"DELETE": SIGNED_IN}
    actions: ClassVar[Mapping[str, str]] = {"DELETE": "token.revoke"}

    async def delete(self, id: str) -> None:
        self.query(())
        step = tokens.revoke(self.caller, id, owner=self.caller.me.user_id)
        await self.instance.store.awrite(step)
        self.nothing()


async def make(handler: AccessHandler, given: dict[str, Any]) -> None:
    """Make a token and send it: the only time that its text is shown."""
    secret = tokens.new_secret()
    days = given.pop("expires_days", tokens.DEFAULT_DAYS)
    step = tokens.create(handler.caller, **given, secret=secret, days=days)
    row = await handler.instance.store.awrite(step)
    handler.send({**row, "token": secret}, 201)


ROUTES = [
    (r"/api/admin/tokens", Tokens),
    (r"/api/admin/tokens/([^/]+)", Token),
    (r"/api/me/tokens", MyTokens),
    (r"/api/me/tokens/([^/]+)", MyToken),
]
