"""What a rollback does to the tables, as values: done in a transaction, or tried out in memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from console.identity.lookup import Row
from schema.table import Table
from schema.transaction import Rows, Transaction


@dataclass(frozen=True)
class Edit:
    """After it, the rows of `table` whose columns equal `where` are exactly `rows`."""

    table: Table
    where: Mapping[str, Any]
    rows: tuple[Row, ...] = ()

    def do(self, transaction: Transaction) -> None:
        transaction.delete(self.table, self.where)
        if self.rows:
            transaction.insert(Rows(self.table, self.rows))

    def tried(self, rows: Iterable[Row]) -> list[Row]:
        """All `rows` of the table as they would be."""
        kept = (row for row in rows if any(row[name] != at for name, at in self.where.items()))
        return [*kept, *self.rows]
