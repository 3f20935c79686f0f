"""`/api/admin/tables`: the tables that are registered, and registering a file. SPEC section 18."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from console import registered
from console.api.lists import LIST_ARGUMENTS, READ, AccessHandler
from console.identity.lookup import Row, where_id
from console.queries.registered import listing
from schema.errors import BadParameter, BadRequest

FIELDS: dict[str, type | tuple[type, ...]] = {
    "name": str,
    "location": str,
    "description": str,
    "bucket": str,
    "meanings": dict,
}
NEW: dict[str, type | tuple[type, ...]] = {**FIELDS, "id": str, "source_type": str}


class _Tables(AccessHandler):
    def shown(self, row: Row) -> Row:
        return registered.shown(row)

    async def written(self, step: Any) -> Row:
        return registered.shown(await self.instance.store.awrite(step))

    async def described(self, location: str) -> registered.File:
        work = registered.described
        return await self.instance.store.offload(work, self.instance.settings, location)


class Tables(_Tables):
    actions: ClassVar[Mapping[str, str]] = {"GET": READ, "POST": "registry.create"}

    async def get(self) -> None:
        given = self.query((*LIST_ARGUMENTS, "source_type"))
        await self.send_list(listing(given.get("q"), source_type=given.get("source_type")), given)

    async def post(self) -> None:
        self.query(())
        given = self.body(NEW, need=("name", "location"))
        source = given.pop("source_type", registered.LOCAL)
        if source != registered.LOCAL:
            raise BadParameter("source_type", source, f"only {registered.LOCAL}: a file")
        file = await self.described(given["location"])
        self.send(await self.written(registered.register(self.caller, given, file)), 201)


class Table(_Tables):
    actions: ClassVar[Mapping[str, str]] = {
        "GET": READ,
        "PATCH": "registry.update",
        "DELETE": "registry.delete",
    }

    async def get(self, id: str) -> None:
        self.query(())
        await self.send_one(where_id(listing(), id), "table", id)

    async def patch(self, id: str) -> None:
        """With a `location`, also the same one, the columns are read anew."""
        self.query(())
        given = self.body(FIELDS)
        if not given:
            raise BadRequest("nothing to change", detail="Give one of: " + ", ".join(FIELDS) + ".")
        file = await self.described(given["location"]) if "location" in given else None
        self.send(await self.written(registered.change(self.caller, id, given, file)))

    async def delete(self, id: str) -> None:
        """Its grants go with it; the file stays where it is."""
        self.query(())
        await self.instance.store.awrite(registered.remove(self.caller, id))
        self.nothing()


ROUTES = [
    (r"/api/admin/tables", Tables),
    (r"/api/admin/tables/([^/]+)", Table),
]
