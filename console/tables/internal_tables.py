"""The console's own tables as the registry lists them: kept in step with the code at each start."""

from __future__ import annotations

from typing import Any

from ibis import _

from console.audit import now
from console.tables.agnes_tables import AgnesTable, agnes_tables
from console.tables.registered import INTERNAL, INTERNAL_BUCKET, kept_columns
from console.tables.table_files import Column
from schema.store import Store
from schema.table import rows_of
from schema.tables import TABLE_REGISTRY
from schema.transaction import Rows, Transaction


def keep_internal(store: Store) -> None:
    """The registry lists the console's own tables as they are now, and no others. Blocks."""
    wanted = {table.name: _internal(table) for table in agnes_tables().values()}

    def step(transaction: Transaction) -> None:
        rows = transaction.read(rows_of(TABLE_REGISTRY).filter(_.source_type == INTERNAL))
        there = {row["id"]: row for row in rows}
        for id in there.keys() - wanted.keys():
            transaction.delete(TABLE_REGISTRY, {"id": id})
        for id, row in wanted.items():
            old = there.get(id)
            if old is None or any(old[name] != value for name, value in row.items()):
                at = old["created_at"] if old else now()
                transaction.delete(TABLE_REGISTRY, {"id": id})
                made = dict.fromkeys(TABLE_REGISTRY.columns) | row
                stamps = {"created_at": at, "updated_at": now()}
                transaction.insert(Rows(TABLE_REGISTRY, [made | stamps]))

    store.write(step).result()


def _internal(table: AgnesTable) -> dict[str, Any]:
    kinds = table.of.schema
    columns = [
        Column(name, str(kinds[name].copy(nullable=True)), meaning)
        for name, meaning in table.columns.items()
    ]
    return {
        "id": table.name,
        "name": table.name,
        "source_type": INTERNAL,
        "query_mode": INTERNAL,
        "bucket": INTERNAL_BUCKET,
        "description": table.meaning,
        "columns": kept_columns(columns),
    }
