"""`/api/login`, `/api/logout`, `/api/me`: a terminal signs in and out, and asks who it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from console.api.lists import AccessHandler
from console.handler import Handler
from console.identity import sign_in, tokens, web_sessions
from console.identity.access import granted, groups_of
from console.identity.gate import COOKIE
from console.identity.lookup import pick
from console.identity.rights import PUBLIC, SIGNED_IN, Right

NAME = "agnes login"


class Login(AccessHandler):
    """E-mail and password make a token of kind `cli`."""

    rights: ClassVar[Mapping[str, Right]] = {"POST": PUBLIC}

    async def post(self) -> None:
        self.query(())
        given = self.body({"email": str, "password": str, "name": str}, need=("email", "password"))
        sign_in.with_passwords(self.instance.settings)
        caller = sign_in.stranger(self.caller, "cli")
        store, desk = self.instance.store, self.instance.sign_in
        confirm = await desk.by_password(store, caller, given["email"], given["password"])
        secret = tokens.new_secret()
        name = given.get("name", NAME)
        token = await store.awrite(sign_in.make_token(caller, confirm, secret=secret, name=name))
        desk.sweep(store)
        answer = {
            "id": token["id"],
            "token": secret,
            "expires_at": token["expires_at"],
            "user": pick(token["user"], ("id", "email", "name", "is_admin")),
        }
        self.send(answer, 201)


class Logout(Handler):
    """Revokes the token that asks, or ends the web session."""

    harmless = ("POST",)  # to whomever the caller views as
    rights: ClassVar[Mapping[str, Right]] = {"POST": SIGNED_IN}
    actions: ClassVar[Mapping[str, str]] = {"POST": "auth.logout"}

    async def post(self) -> None:
        self.query(())
        found = await self.instance.gate.find(self.request)
        if found is not None and found.token_id is not None:
            end: Any = tokens.revoke(self.caller, found.token_id, action="auth.logout")
            await self.instance.store.awrite(end)
        elif secret := self.instance.gate.cookie_secret(self.request):
            await self.instance.store.awrite(web_sessions.end(self.caller, secret))
            self.clear_cookie(COOKIE)
        self.send({"ok": True})


class Me(Handler):
    """Who the caller is, and what their groups may open."""

    rights: ClassVar[Mapping[str, Right]] = {"GET": SIGNED_IN}

    async def get(self) -> None:
        self.query(())
        me, store = self.caller.me, self.instance.store
        groups = await store.offload(groups_of, store, me.user_id)
        rows = await store.offload(granted, store, me.user_id)
        grants = {(row["resource_type"], row["resource_id"]): row for row in rows}
        self.send(
            {
                "id": me.user_id,
                "email": me.email,
                "name": me.name or None,
                "is_admin": me.is_admin,
                "kind": me.kind,
                "groups": groups,
                "grants": [pick(row, ("resource_type", "resource_id")) for row in grants.values()],
            }
        )


ROUTES = [
    (r"/api/login", Login),
    (r"/api/logout", Logout),
    (r"/api/me", Me),
]
