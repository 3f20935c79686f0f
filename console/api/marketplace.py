"""`/api/admin/marketplace`: what the marketplaces offer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from console import marketplaces
from console.api.lists import LIST_ARGUMENTS, READ, AccessHandler
from console.handler import Handler
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


class Marketplace(Handler):
    """One marketplace as a whole."""

    actions: ClassVar[Mapping[str, str]] = {"DELETE": "marketplace.import"}

    async def delete(self, name: str) -> None:
        self.query(())
        self.send(await marketplaces.import_(self.instance, self.caller, name, "", ()))


ROUTES = [
    (r"/api/admin/marketplace", Items),
    (r"/api/admin/marketplace/import", Import),
    (r"/api/admin/marketplace/([^/]+)", Marketplace),
]
