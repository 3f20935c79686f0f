"""`/api/v2`: which tables one may question, what their columns mean, and some of their rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from console import agnes_rows, agnes_tables, questions
from console.agnes_tables import AgnesTable
from console.audit import entry
from console.handler import Handler, integer
from console.identity.rights import SIGNED_IN, Right
from schema.errors import NotFound, shorten
from schema.policy import Seen

_BUCKET = "Agnes Internal"
_SAMPLE = 5


class _Catalog(Handler):
    rights: ClassVar[Mapping[str, Right]] = {"GET": SIGNED_IN}

    def table(self, name: str) -> AgnesTable:
        self.about = f"table:{name}"
        found = agnes_tables.agnes_tables().get(name)
        if found is None:
            known = ", ".join(agnes_tables.agnes_tables())
            raise NotFound(f"no table {shorten(name)} here", detail=f"There are: {known}.")
        return found

    async def noted(self, action: str, **params: Any) -> None:
        await self.instance.record(entry(self.caller, action, resource=self.about, params=params))


class Tables(_Catalog):
    actions: ClassVar[Mapping[str, str]] = {"GET": "catalog.list"}

    async def get(self) -> None:
        self.query(())
        found = [
            {
                "table_id": table.name,
                "name": table.name,
                "bucket": _BUCKET,
                "source_type": "internal",
                "query_mode": "internal",
                "description": table.meaning,
                "columns": len(table.columns),
            }
            for table in agnes_tables.agnes_tables().values()
        ]
        await self.instance.was_read(self.caller, "catalog.list", {"endpoint": "catalog"})
        self.send({"tables": found})


class Schema(_Catalog):
    actions: ClassVar[Mapping[str, str]] = {"GET": "catalog.schema"}

    async def get(self, name: str) -> None:
        self.query(())
        table = self.table(name)
        kinds = table.of.schema
        columns = [
            {
                "name": column,
                "type": kinds[column].copy(nullable=True).__str__(),
                "nullable": kinds[column].nullable,
                "description": meaning,
            }
            for column, meaning in table.columns.items()
        ]
        await self.noted("catalog.schema", columns=len(columns))
        me, store = self.caller.me, self.instance.store
        standing = await store.offload(agnes_rows.standing, store, table, me)
        self.send(
            {
                "table_id": table.name,
                "source_type": "internal",
                "sql_flavor": "duckdb",
                "description": table.meaning,
                "columns": columns,
                "partition_by": None,
                "clustered_by": [],
                "where_dialect_hints": {},
                "row_scope": questions.scope({table.name: standing}, me),
            }
        )


class Sample(_Catalog):
    actions: ClassVar[Mapping[str, str]] = {"GET": "catalog.sample"}

    async def get(self, name: str) -> None:
        count = integer(self.query(("n",)), "n", _SAMPLE, 1, 100)
        table = self.table(name)
        rows = await self.instance.store.offload(self._rows, table, count)
        await self.noted("catalog.sample", rows_returned=len(rows))
        self.send({"table_id": table.name, "rows": rows, "source": "internal"})

    def _rows(self, table: AgnesTable, count: int) -> list[dict[str, Any]]:
        """The newest ones, masked as everywhere; never kept for anybody else."""
        me, columns = self.caller.me, tuple(table.columns)
        seen: Seen = agnes_tables.seen(table, me)
        found = self.instance.store.ask(agnes_tables.newest, seen, columns, count)
        batches = iter(found.to_batches())
        if agnes_tables.needs_mask(table, me, columns):
            batches = agnes_tables.masked(batches, me, columns)
        return [row for batch in batches for row in batch.to_pylist()]


ROUTES = [
    (r"/api/v2/catalog", Tables),
    (r"/api/v2/schema/([^/]+)", Schema),
    (r"/api/v2/sample/([^/]+)", Sample),
]
