"""`/api/admin/marketplace`: what the marketplaces offer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from console import marketplaces
from console.api.lists import DEFAULT, FARTHEST, LIST_ARGUMENTS, MOST, READ, AccessHandler
from console.audit import now
from console.handler import Handler, integer
from console.marketplace_use import Use, use
from console.telemetry import Reader
from ingest.marketplace import checked, named, sourced
from schema.errors import BadParameter


class Items(AccessHandler):
    """Everything that can be had, in the envelope of a list."""

    actions: ClassVar[Mapping[str, str]] = {"GET": READ}

    async def get(self) -> None:
        given = self.query((*LIST_ARGUMENTS, *marketplaces.FILTERS))
        await self.send_list(marketplaces.listing(given), given)


class Import(Handler):
    """`{marketplace, source, items, dry_run?}` → what it changed."""

    actions: ClassVar[Mapping[str, str]] = {"POST": "marketplace.import"}

    async def post(self) -> None:
        self.query(())
        given = self.body(
            {"marketplace": str, "source": str, "items": list, "dry_run": bool},
            need=("marketplace", "source", "items"),
        )
        name, source = named(given["marketplace"]), sourced(given["source"])
        items = await self.instance.store.offload(checked, given["items"])
        if not items:
            raise BadParameter("items", "[]", "at least one; DELETE removes a marketplace")
        dry_run = given.get("dry_run", False)
        self.send(
            await marketplaces.import_(
                self.instance, self.caller, name, source, items, dry_run=dry_run
            )
        )


class Refresh(Handler):
    """`{marketplace?, dry_run?}` → `{rows}`: what was said anew of each."""

    actions: ClassVar[Mapping[str, str]] = {"POST": "marketplace.import"}

    async def post(self) -> None:
        self.query(())
        given = self.body({"marketplace": str, "dry_run": bool})
        rows = await marketplaces.refresh(
            self.instance,
            self.caller,
            given.get("marketplace"),
            dry_run=given.get("dry_run", False),
        )
        count = len(rows)
        page = {"total": count, "limit": count, "offset": 0, "next_offset": None}
        self.send({"rows": rows, **page})


class Used(Handler):
    """How each item is used, of 30 days: a list with its `active_people`, and the first `unused`
    of `unused_total`."""

    actions: ClassVar[Mapping[str, str]] = {"GET": READ}

    async def get(self) -> None:
        given = self.query((*LIST_ARGUMENTS, "sort", "type", "source", "plugin"))
        limit = integer(given, "limit", DEFAULT, 1, MOST)
        offset = integer(given, "offset", 0, 0, FARTHEST)
        asked = {name: text for name, text in given.items() if name not in ("limit", "offset")}
        reader = Reader(self.instance, self.caller.me)

        def found() -> tuple[Use, list[dict[str, Any]]]:
            every = use(reader, now=now())
            return every, every.chosen(**asked)

        every, rows = await self.instance.store.offload(found)
        await self.instance.was_read(self.caller, READ, {"endpoint": "marketplace/use", **asked})
        after = offset + limit
        self.send(
            {
                "rows": rows[offset:after],
                "total": len(rows),
                "limit": limit,
                "offset": offset,
                "next_offset": after if after < len(rows) else None,
                "active_people": every.active_people,
                "adopters": every.adopters,
                "offered": len(every.offered),
                "unused": every.unused[:MOST],
                "unused_total": len(every.unused),
            }
        )


class Marketplace(Handler):
    """One marketplace as a whole."""

    actions: ClassVar[Mapping[str, str]] = {"DELETE": "marketplace.import"}

    async def delete(self, name: str) -> None:
        self.query(())
        self.send(await marketplaces.import_(self.instance, self.caller, name, "", ()))


ROUTES = [
    (r"/api/admin/marketplace", Items),
    (r"/api/admin/marketplace/import", Import),
    (r"/api/admin/marketplace/refresh", Refresh),
    (r"/api/admin/marketplace/use", Used),
    (r"/api/admin/marketplace/([^/]+)", Marketplace),
]
