"""Who may open what, and why: for one person, for one resource, for all of them. And what an admin
does for a person's sign-in: a link that works once, the browsers that are signed in."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any, ClassVar

from console import effective
from console.api.lists import READ, AccessHandler
from console.audit import now
from console.handler import integer
from console.identity import web_sessions
from console.identity.lookup import Row, only, where
from console.identity.sign_in import new_link
from console.queries import people
from schema.bind import At, Text
from schema.tables import USERS

DEFAULT, MOST, FARTHEST = 100, 1000, 10**9


class OfPerson(AccessHandler):
    """Each resource, whether this person may open it, and the groups whose grants do it."""

    actions: ClassVar[Mapping[str, str]] = {"GET": READ}

    async def get(self, id: str) -> None:
        self.query(())
        store = self.instance.store

        def found() -> list[Row]:
            only(store.read(where(USERS, id=id)).to_pylist(), "user", id)
            return [_told(path) for path in effective.read(store).of_person(id)]

        rows = await store.offload(found)
        await self.was_read({"user_id": id})
        self.send(_whole(rows))


class OfResource(AccessHandler):
    """Who may open `resource` (`activity`, `table:orders`), and why; without it, all resources with
    the groups that have them."""

    actions: ClassVar[Mapping[str, str]] = {"GET": READ}

    async def get(self) -> None:
        given = self.query(("resource", "limit", "offset"))
        limit = integer(given, "limit", DEFAULT, 1, MOST)
        offset = integer(given, "offset", 0, 0, FARTHEST)
        store, key = self.instance.store, given.get("resource")

        def found() -> list[Row]:
            access = effective.read(store)
            if key is None:
                return [_granted(access, one) for one in access.resources]
            return [_told(path) for path in access.of_resource(access.resource(key))]

        rows = await store.offload(found)
        await self.was_read({"resource": key} if key else {})
        after = offset + limit
        page = {"rows": rows[offset:after], "total": len(rows), "limit": limit, "offset": offset}
        self.send({**page, "next_offset": after if after < len(rows) else None})


class SignInLink(AccessHandler):
    """A link for somebody's browser: it works once, for 15 minutes, and is shown here only."""

    actions: ClassVar[Mapping[str, str]] = {"POST": "user.sign_in_link"}

    async def post(self, id: str) -> None:
        self.query(())
        self.body({})
        secret = secrets.token_urlsafe(32)
        row = await self.instance.store.awrite(new_link(self.caller, id, secret))
        self.send({**row, "path": f"/login?link={secret}"}, 201)


class Browsers(AccessHandler):
    """The browsers in which somebody is signed in, the newest first."""

    actions: ClassVar[Mapping[str, str]] = {"GET": READ}

    async def get(self, id: str) -> None:
        self.query(())
        store = self.instance.store

        def found() -> list[Row]:
            only(store.read(where(USERS, id=id)).to_pylist(), "user", id)
            return store.rows(people.signed_in, Text(id), At(now()))

        rows = await store.offload(found)
        await self.was_read({"user_id": id})
        self.send(_whole(rows))


class Browser(AccessHandler):
    actions: ClassVar[Mapping[str, str]] = {"DELETE": "auth.logout"}

    async def delete(self, id: str, session: str) -> None:
        self.query(())
        await self.instance.store.awrite(web_sessions.end_one(self.caller, id, session))
        self.nothing()


def _whole(rows: list[Row]) -> dict[str, Any]:
    """A list that is never cut, in the envelope of all lists."""
    limit = max(len(rows), 1)
    return {"rows": rows, "total": len(rows), "limit": limit, "offset": 0, "next_offset": None}


def _told(path: effective.Path) -> Row:
    return {
        "user_id": path.person["id"],
        "user_email": path.person["email"],
        "user_name": path.person["name"],
        "resource": path.resource.key,
        "resource_type": path.resource.type,
        "resource_id": path.resource.id,
        "allowed": path.decision.allowed,
        "rule": path.decision.rule,
        "groups": [
            {"id": grant["group_id"], "name": grant["group_name"], "grant_id": grant["id"]}
            for grant in path.grants
        ],
    }


def _granted(access: effective.Access, one: effective.Resource) -> Row:
    grants = ((group, access.grant(group["id"], one)) for group in access.groups)
    return {
        "resource": one.key,
        "resource_type": one.type,
        "resource_id": one.id,
        "name": one.label,
        "people": access.readers.get(one.key, 0),
        "groups": [
            {"id": group["id"], "name": group["name"], "grant_id": grant["id"]}
            for group, grant in grants
            if grant is not None
        ],
    }


_USER = r"/api/admin/users/([^/]+)"
ROUTES = [
    (r"/api/admin/access", OfResource),
    (rf"{_USER}/access", OfPerson),
    (rf"{_USER}/sign-in-link", SignInLink),
    (rf"{_USER}/browsers", Browsers),
    (rf"{_USER}/browsers/([^/]+)", Browser),
]
