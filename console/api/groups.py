"""`/api/admin/groups`: groups and their members."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from console.api.lists import LIST_ARGUMENTS, READ, AccessHandler
from console.identity import groups
from console.identity.lookup import only, where, where_id
from schema.errors import BadRequest
from schema.tables import USER_GROUPS

FIELDS: dict[str, type | tuple[type, ...]] = {
    "name": str,
    "description": str,
    "claim": str,
}


class Groups(AccessHandler):
    actions: ClassVar[Mapping[str, str]] = {"GET": READ, "POST": "user_groups.create"}

    async def get(self) -> None:
        given = self.query(LIST_ARGUMENTS)
        await self.send_list(groups.listing(given.get("q")), given)

    async def post(self) -> None:
        self.query(())
        step = groups.create(self.caller, **self.body(FIELDS, need=("name",)))
        self.send(await self.instance.store.awrite(step), 201)


class Group(AccessHandler):
    actions: ClassVar[Mapping[str, str]] = {
        "GET": READ,
        "PATCH": "user_groups.update",
        "DELETE": "user_groups.delete",
    }

    async def get(self, id: str) -> None:
        self.query(())
        await self.send_one(where_id(groups.listing(), id), "group", id)

    async def patch(self, id: str) -> None:
        self.query(())
        given = self.body(FIELDS)
        if not given:
            raise BadRequest("nothing to change", detail="Give one of: " + ", ".join(FIELDS) + ".")
        self.send(await self.instance.store.awrite(groups.update(self.caller, id, given)))

    async def delete(self, id: str) -> None:
        self.query(())
        await self.instance.store.awrite(groups.delete(self.caller, id))
        self.nothing()


class Members(AccessHandler):
    actions: ClassVar[Mapping[str, str]] = {"GET": READ, "POST": "user_group_members.add"}

    async def get(self, id: str) -> None:
        given = self.query(LIST_ARGUMENTS)
        store = self.instance.store
        group = where(USER_GROUPS, id=id)
        await store.offload(lambda: only(store.read(group).to_pylist(), "group", id))
        await self.send_list(groups.members(id, given.get("q")), given)

    async def post(self, id: str) -> None:
        self.query(())
        given = self.body({"user_id": str}, need=("user_id",))
        step = groups.add_member(self.caller, id, given["user_id"])
        self.send(await self.instance.store.awrite(step), 201)


class Member(AccessHandler):
    actions: ClassVar[Mapping[str, str]] = {"DELETE": "user_group_members.remove"}

    async def delete(self, id: str, user_id: str) -> None:
        self.query(())
        await self.instance.store.awrite(groups.remove_member(self.caller, id, user_id))
        self.nothing()


ROUTES = [
    (r"/api/admin/groups", Groups),
    (r"/api/admin/groups/([^/]+)", Group),
    (r"/api/admin/groups/([^/]+)/members", Members),
    (r"/api/admin/groups/([^/]+)/members/([^/]+)", Member),
]
