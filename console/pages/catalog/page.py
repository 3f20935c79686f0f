"""The catalog: what the page's parts are, and what its address asks of them."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import replace
from typing import Any

from console.audit import Caller, now
from console.identity.rights import SIGNED_IN
from console.instance import Instance
from console.pages.catalog import table, tables
from console.pages.catalog.reading import Reading
from console.pages.catalog.state import CatalogState
from console.pages.parts import Part, PartsPage
from console.tables.offered import offered, one_of

PARTS: tuple[Part[Reading], ...] = (
    Part("filters", lambda reading: len(reading.offers), alone=True),
    Part("tables", tables.read),
    Part("table", table.read),
)


class CatalogPage(PartsPage[Reading]):
    """The tables that its reader may question, and one of them opened."""

    path = "/catalog"
    title = "Catalog"
    about = "tables to ask your own questions, and whose rows you see in them"
    section: str | None = "Data"
    shortcut = "g c"
    right = SIGNED_IN
    template = "catalog.html"
    folder = "catalog"
    parts = PARTS
    styles: Sequence[str] = ("catalog/catalog.css",)
    scripts: Sequence[str] = ("parts/tabs.js",)

    def begun(self, instance: Instance, caller: Caller, *, beat: bool) -> Reading:
        return Reading(instance, caller, CatalogState(), now(), beat=beat)

    def stated(self, reading: Reading, query: str) -> Reading:
        return replace(reading, state=CatalogState.of(query))

    async def filtered(self, reading: Reading) -> Reading:
        instance, me, name = reading.instance, reading.caller.me, reading.state.table
        offers = await instance.store.offload(offered, instance, me)
        return replace(reading, offers=offers, table=one_of(offers, name) if name else None)

    def noted(self, reading: Reading) -> Sequence[Awaitable[Any]]:
        was_read, caller = reading.instance.was_read, reading.caller
        if reading.table is None:
            return (was_read(caller, "catalog.list", {"endpoint": "page"}),)
        params = {"endpoint": "page", "table": reading.table.name}
        return (
            was_read(caller, "catalog.schema", params),
            was_read(caller, "catalog.sample", params),
        )
