"""`/api/admin/tables`: the tables that are registered, where their rows come from, how their syncs
went, what is in them. SPEC section 18."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from console.api.lists import DEFAULT, FARTHEST, LIST_ARGUMENTS, MOST, READ, AccessHandler
from console.audit import cut, now
from console.handler import integer
from console.identity.lookup import Row, where_id
from console.queries.registered import listing
from console.tables import registered, synced
from schema.errors import BadRequest, NotFound, shorten

FIELDS: dict[str, type | tuple[type, ...]] = {
    "name": str,
    "description": str,
    "bucket": str,
    "meanings": dict,
    "location": str,
    "format": str,
    "options": dict,
    "connection": str,
    "statement": str,
    "cursor_column": str,
    "query_mode": str,
    "sync_mode": str,
    "schedule": str,
}
NEW: dict[str, type | tuple[type, ...]] = {**FIELDS, "id": str, "source_type": str}


class _Tables(AccessHandler):
    """A table is answered with how it stands: `synced`, `last_attempt`, `next_due`, all null for
    one that does not sync."""

    facts: Mapping[str, Row] = {}

    def shown(self, row: Row) -> Row:
        none = dict.fromkeys(("synced", "last_attempt", "next_due"))
        columns = registered.columns_shown(self.instance.store, row)
        return {
            **registered.shown(row),
            "columns": columns,
            **none,
            **self.facts.get(row["id"], {}),
        }

    async def look(self) -> None:
        """Read how tables stand, for `shown`."""
        store = self.instance.store
        self.facts = await store.offload(synced.facts, store, now())

    async def row(self, id: str) -> Row:
        """The row of the registry. Raises NotFound."""
        store = self.instance.store
        rows = (await store.offload(store.read, where_id(listing(), id))).to_pylist()
        if not rows:
            raise NotFound(f"no table {shorten(id)}", detail="List the tables to see their ids.")
        found: Row = rows[0]
        return found

    async def looked_at(self, given: Row, there: Row | None) -> registered.File | None:
        work = registered.looked_at
        return await self.instance.store.offload(work, self.instance.settings, given, there)

    async def written(self, step: Any) -> Row:
        row = await self.instance.store.awrite(step)
        await self.look()
        return self.shown(row)


class Tables(_Tables):
    actions: ClassVar[Mapping[str, str]] = {"GET": READ, "POST": "registry.create"}

    async def get(self) -> None:
        given = self.query((*LIST_ARGUMENTS, "source_type"))
        await self.look()
        await self.send_list(listing(given.get("q"), source_type=given.get("source_type")), given)

    async def post(self) -> None:
        """What is read when it is synced has no columns yet, and no rows until it was."""
        self.query(())
        given = self.body(NEW, need=("name",))
        file = await self.looked_at(given, None)
        step = registered.register(self.caller, given, file, self.instance.settings)
        self.send(await self.written(step), 201)


class Table(_Tables):
    actions: ClassVar[Mapping[str, str]] = {
        "GET": READ,
        "PATCH": "registry.update",
        "DELETE": "registry.delete",
    }

    async def prepare(self) -> None:
        self.about = f"table:{cut(self.path_args[0], 64)}"
        await super().prepare()

    async def get(self, id: str) -> None:
        self.query(())
        await self.look()
        await self.send_one(where_id(listing(), id), "table", id)

    async def patch(self, id: str) -> None:
        """With the `location` of a file in place, also the same one, its columns are read anew. An
        empty text takes a field away."""
        self.query(())
        given = self.body({**FIELDS, "source_type": str})
        if not given:
            raise BadRequest("nothing to change", detail="Give one of: " + ", ".join(FIELDS) + ".")
        file = await self.looked_at(given, await self.row(id))
        step = registered.change(self.caller, id, given, file, self.instance.settings)
        self.send(await self.written(step))

    async def delete(self, id: str) -> None:
        """Its grants go with it; the file that it was read from stays where it is."""
        self.query(())
        await self.instance.store.awrite(registered.remove(self.caller, id))
        self.nothing()


class Profile(_Tables):
    """What the columns of the newest version hold."""

    actions: ClassVar[Mapping[str, str]] = {"GET": READ}

    async def get(self, id: str) -> None:
        self.query(())
        row = await self.row(id)
        store = self.instance.store
        found = await store.offload(synced.profile, store, id)
        if found is None:
            raise NotFound(f"{row['name']} has no profile: {synced.NOT_SYNCED}")
        await self.was_read({})
        self.send(found)


class Versions(_Tables):
    """What is kept of it, newest first; the newest is what questions read."""

    actions: ClassVar[Mapping[str, str]] = {"GET": READ}

    async def get(self, id: str) -> None:
        self.query(())
        await self.row(id)
        store = self.instance.store
        rows = await store.offload(synced.versions, store, id)
        await self.was_read({})
        count = len(rows)
        self.send({"rows": rows, "total": count, "limit": count, "offset": 0, "next_offset": None})


class Attempts(_Tables):
    """Its syncs, good and bad, newest first."""

    actions: ClassVar[Mapping[str, str]] = {"GET": READ}

    async def get(self, id: str) -> None:
        given = self.query(("limit", "offset"))
        limit = integer(given, "limit", DEFAULT, 1, MOST)
        offset = integer(given, "offset", 0, 0, FARTHEST)
        await self.row(id)
        store = self.instance.store
        total, rows = await store.offload(synced.attempts, store, id, limit, offset)
        await self.was_read({})
        following = offset + limit if offset + limit < total else None
        self.send(
            {
                "rows": rows,
                "total": total,
                "limit": limit,
                "offset": offset,
                "next_offset": following,
            }
        )


_ONE = r"/api/admin/tables/([^/]+)"
ROUTES = [
    (r"/api/admin/tables", Tables),
    (_ONE, Table),
    (rf"{_ONE}/profile", Profile),
    (rf"{_ONE}/versions", Versions),
    (rf"{_ONE}/syncs", Attempts),
]
