"""`/api/admin/grants`: what each group may open."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from console.api.lists import LIST_ARGUMENTS, READ, AccessHandler
from console.identity import grants
from console.identity.lookup import where_id


class Grants(AccessHandler):
    actions: ClassVar[Mapping[str, str]] = {"GET": READ, "POST": "resource_grants.add"}

    async def get(self) -> None:
        given = self.query((*LIST_ARGUMENTS, "group_id", "resource_type"))
        rows = grants.listing(
            given.get("q"),
            group_id=given.get("group_id"),
            resource_type=given.get("resource_type"),
        )
        await self.send_list(rows, given)

    async def post(self) -> None:
        self.query(())
        given = self.body(
            {"group_id": str, "resource_type": str, "resource_id": str},
            need=("group_id", "resource_type"),
        )
        row = await self.instance.store.awrite(grants.create(self.caller, **given))
        self.send(row, 201)


class Grant(AccessHandler):
    actions: ClassVar[Mapping[str, str]] = {"GET": READ, "DELETE": "resource_grants.remove"}

    async def get(self, id: str) -> None:
        self.query(())
        await self.send_one(where_id(grants.listing(), id), "grant", id)

    async def delete(self, id: str) -> None:
        self.query(())
        await self.instance.store.awrite(grants.remove(self.caller, id))
        self.nothing()


ROUTES = [
    (r"/api/admin/grants", Grants),
    (r"/api/admin/grants/([^/]+)", Grant),
]
