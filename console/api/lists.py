"""What the endpoints under users & access share: the envelope of a list, its arguments, and the row
that says it was read."""

from __future__ import annotations

from collections.abc import Mapping

import ibis.expr.types as ir

from console.handler import Handler, integer
from console.identity.lookup import Row, only

READ = "access.read"
LIST_ARGUMENTS = ("limit", "offset", "q")
DEFAULT, MOST, FARTHEST = 100, 1000, 10**9


class AccessHandler(Handler):
    """Lists and single rows of users & access."""

    async def send_list(self, rows: ir.Table, given: Mapping[str, str]) -> None:
        """One page of `rows`, which are filtered and in order, in the envelope that all lists
        have."""
        limit = integer(given, "limit", DEFAULT, 1, MOST)
        offset = integer(given, "offset", 0, 0, FARTHEST)
        store = self.instance.store

        def found() -> tuple[int, list[Row]]:
            (counted,) = store.read(rows.aggregate(total=rows.count())).to_pylist()
            page = rows.limit(limit, offset=offset)
            return counted["total"], store.read(page).to_pylist()

        total, page = await store.offload(found)
        await self.was_read(
            {name: given[name] for name in given if name not in ("limit", "offset")}
        )
        after = offset + limit
        self.send(
            {
                "rows": [self.shown(row) for row in page],
                "total": total,
                "limit": limit,
                "offset": offset,
                "next_offset": after if after < total else None,
            }
        )

    async def send_one(self, rows: ir.Table, noun: str, id: str) -> None:
        """The one row of `rows`. Raises NotFound that names the id."""
        store = self.instance.store
        found = await store.offload(lambda: only(store.read(rows).to_pylist(), noun, id))
        await self.was_read({})
        self.send(self.shown(found))

    def shown(self, row: Row) -> Row:
        """A row as it is answered."""
        return row

    async def was_read(self, filter: Mapping[str, str]) -> None:
        params = {"endpoint": self.request.path, **filter}
        await self.instance.was_read(self.caller, READ, params)
