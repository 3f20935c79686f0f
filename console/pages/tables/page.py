"""The tables: what the page's parts are, and what its address asks of them."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import replace
from typing import Any

from console import links
from console.audit import Caller, now
from console.identity.rights import ADMIN
from console.instance import Instance
from console.pages.parts import Part, PartsPage
from console.pages.tables import attempts, history, internal, listed, one, register, tabs
from console.pages.tables.reading import Reading, Row
from console.pages.tables.state import TablesState
from console.queries import registered as queries
from console.tables.offered import offered
from console.tables.registered import INTERNAL
from schema.errors import NotFound, shorten

READ = "access.read"
PARTS: tuple[Part[Reading], ...] = (
    Part("tabs", tabs.read, alone=True),
    Part("filters", lambda reading: True, alone=True),
    Part("register", register.read),
    Part("listed", listed.read),
    Part("internal", internal.read),
    Part("one", one.read),
    Part("attempts", attempts.read, beats=True),
    Part("history", history.read),
)


class TablesPage(PartsPage[Reading]):
    """`/admin/tables`. Reads what the API under the same address reads."""

    path = "/admin/tables"
    title = "Tables"
    about = "what can be questioned, and who may"
    section: str | None = "Data"
    shortcut = "g d"
    right = ADMIN
    template = "tables.html"
    folder = "tables"
    parts = PARTS
    styles: Sequence[str] = ("activity/panel.css", "activity/tabs.css", "tables/tables.css")
    scripts: Sequence[str] = ("parts/rows.js", "tables/tables.js")

    def begun(self, instance: Instance, caller: Caller, *, beat: bool) -> Reading:
        return Reading(instance, caller, TablesState(), now(), beat=beat)

    def stated(self, reading: Reading, query: str) -> Reading:
        return replace(reading, state=TablesState.of(query))

    async def filtered(self, reading: Reading) -> Reading:
        """Raises NotFound for a table that is not registered and never was."""
        store = reading.instance.store
        offers = await store.offload(offered, reading.instance, reading.caller.me)
        reading = replace(reading, offers=offers)
        name = reading.state.table
        if not name:
            return reading
        rows = await store.offload(lambda: store.rows(queries.listing))
        row = _meant(rows, name)
        reading = replace(reading, id=row["id"] if row else name, row=row)
        if row is None and not (await store.offload(history.changes, reading))[0]:
            raise NotFound(
                f"no table {shorten(name)} is registered, and none was",
                detail="The list has those that are.",
            )
        if row is not None and row["source_type"] == INTERNAL:
            raise NotFound(
                f"{row['name']} is a table of the console: there is nothing to change",
                detail=f"The catalog shows it: {links.href('table', row['name'])}",
            )
        return reading

    def noted(self, reading: Reading) -> Sequence[Awaitable[Any]]:
        given = {"endpoint": "tables", "tab": reading.state.tab, **reading.state.given}
        if reading.state.table:
            given["table"] = reading.id
        return (reading.instance.was_read(reading.caller, READ, given),)


def _meant(rows: Sequence[Row], name: str) -> Row | None:
    """The table with this id; else, since questions call it so, the one with this name."""
    by_name = (row for row in rows if row["name"].casefold() == name.casefold())
    return next((row for row in rows if row["id"] == name), next(by_name, None))
