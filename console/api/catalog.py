"""`/api/v2`: which tables one may question, what their columns mean, and some of their rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import ibis
import orjson

from console.asking import questions
from console.asking.query_values import JSON, said, values
from console.audit import entry
from console.handler import Handler, integer
from console.identity.rights import SIGNED_IN, Right
from console.tables.offered import Offer, offered, one_of

_SAMPLE = 5


class _Catalog(Handler):
    rights: ClassVar[Mapping[str, Right]] = {"GET": SIGNED_IN}

    async def offers(self) -> Mapping[str, Offer]:
        return await self.instance.store.offload(offered, self.instance, self.caller.me)

    async def table(self, name: str) -> Offer:
        """The one that is called so. Raises NotFound."""
        self.about = f"table:{name}"
        return one_of(await self.offers(), name)

    async def noted(self, action: str, **params: Any) -> None:
        await self.instance.record(entry(self.caller, action, resource=self.about, params=params))


class Tables(_Catalog):
    actions: ClassVar[Mapping[str, str]] = {"GET": "catalog.list"}

    async def get(self) -> None:
        self.query(())
        found = [
            {
                "table_id": table.id,
                "name": table.name,
                "bucket": table.bucket,
                "source_type": table.kind,
                "query_mode": table.kind,
                "description": table.meaning,
                "columns": len(table.columns),
            }
            for table in (await self.offers()).values()
        ]
        await self.instance.was_read(self.caller, "catalog.list", {"endpoint": "catalog"})
        self.send({"tables": found})


class Schema(_Catalog):
    actions: ClassVar[Mapping[str, str]] = {"GET": "catalog.schema"}

    async def get(self, name: str) -> None:
        self.query(())
        table = await self.table(name)
        kinds = ibis.Schema.from_pyarrow(table.schema())
        columns = [
            {
                "name": column,
                "type": str(kinds[column].copy(nullable=True)),
                "nullable": kinds[column].nullable,
                "description": meaning,
            }
            for column, meaning in table.columns.items()
        ]
        standing = await self.instance.store.offload(table.standing)
        await self.noted("catalog.schema", columns=len(columns))
        self.send(
            {
                "table_id": table.id,
                "name": table.name,
                "bucket": table.bucket,
                "source_type": table.kind,
                "sql_flavor": "duckdb",
                "description": table.meaning,
                "columns": columns,
                "partition_by": None,
                "clustered_by": [],
                "where_dialect_hints": {},
                "row_scope": questions.scope({table.name: standing}, self.caller.me),
            }
        )


class Sample(_Catalog):
    actions: ClassVar[Mapping[str, str]] = {"GET": "catalog.sample"}

    async def get(self, name: str) -> None:
        count = integer(self.query(("n",)), "n", _SAMPLE, 1, 100)
        table = await self.table(name)
        text = await self.instance.store.offload(_rows, table, count)
        rows = orjson.loads(text)
        await self.noted("catalog.sample", rows_returned=len(rows))
        self.send({"table_id": table.id, "name": table.name, "rows": rows, "source": table.kind})


def _rows(table: Offer, count: int) -> bytes:
    """Some rows as JSON, an object each; never kept for anybody else."""
    found: list[dict[str, Any]] = []
    for batch in table.first(count):
        columns = [values(column) for column in batch.columns]
        names = batch.schema.names
        found += [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
    return orjson.dumps(found, default=said, option=JSON)


ROUTES = [
    (r"/api/v2/catalog", Tables),
    (r"/api/v2/schema/([^/]+)", Schema),
    (r"/api/v2/sample/([^/]+)", Sample),
]
