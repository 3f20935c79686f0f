"""`/api/admin/users`: people with an account."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from console.api.lists import LIST_ARGUMENTS, READ, AccessHandler
from console.identity import users
from console.identity.lookup import where_id
from schema.errors import BadParameter, BadRequest

FIELDS: dict[str, type | tuple[type, ...]] = {
    "email": str,
    "name": str,
    "is_admin": bool,
    "password": str,
}
MORE: dict[str, type | tuple[type, ...]] = {**FIELDS, "is_active": bool, "sso_linked": bool}


class Users(AccessHandler):
    actions: ClassVar[Mapping[str, str]] = {"GET": READ, "POST": "user.create"}

    async def get(self) -> None:
        given = self.query(LIST_ARGUMENTS)
        await self.send_list(users.listing(given.get("q")), given)

    async def post(self) -> None:
        self.query(())
        given = await hashed(self, self.body(FIELDS, need=("email",)))
        row = await self.instance.store.awrite(users.create(self.caller, **given))
        self.send(row, 201)


class User(AccessHandler):
    actions: ClassVar[Mapping[str, str]] = {
        "GET": READ,
        "PATCH": "user.update",
        "DELETE": "user.deactivate",
    }

    async def get(self, id: str) -> None:
        self.query(())
        await self.send_one(where_id(users.listing(), id), "user", id)

    async def patch(self, id: str) -> None:
        self.query(())
        given = _unlinked(await hashed(self, self.body(MORE)))
        if not given:
            raise BadRequest("nothing to change", detail="Give one of: " + ", ".join(MORE) + ".")
        kept = self.instance.gate.cookie_secret(self.request)  # the admin's own browser stays in
        step = users.update(self.caller, id, given, keep_session=kept)
        self.send(await self.instance.store.awrite(step))

    async def delete(self, id: str) -> None:
        self.query(())
        await self.instance.store.awrite(users.deactivate(self.caller, id))
        self.nothing()


def _unlinked(given: dict[str, Any]) -> dict[str, Any]:
    """`sso_linked: false` forgets whom somebody is at the OpenID provider; only a sign-in there
    links."""
    linked = given.pop("sso_linked", None)
    if linked:
        raise BadParameter("sso_linked", linked, "false, to take the link away")
    return given if linked is None else {**given, "oidc_subject": None}


async def hashed(handler: AccessHandler, given: dict[str, Any]) -> dict[str, Any]:
    """`given` with the password's hash in the password's place."""
    password = given.pop("password", None)
    if password is not None:
        instance = handler.instance
        given["password_hash"] = await instance.sign_in.passwords.hashed(instance.store, password)
    return given


ROUTES = [
    (r"/api/admin/users", Users),
    (r"/api/admin/users/([^/]+)", User),
]
