"""What a table is: a name, columns of Ibis types, a key, an owner. `tables` lists them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import ibis

_TYPES = {
    "": "string",
    "time": "timestamp(6)",
    "count": "int64",
    "seconds": "float64",
    "flag": "boolean",
    "date": "date",
}


@dataclass(frozen=True)
class Table:
    """One table. `declaration` lists its columns as `name[!][:type]`: text unless a type is given,
    `!` means NOT NULL. `owner` names the column that holds the user id of a row's owner; a table
    without one is for admins and the code that serves them. `surface` is the grant that opens all
    of its rows."""

    name: str
    declaration: str
    key: tuple[str, ...]
    meaning: str
    owner: str | None = None
    surface: str | None = None

    @cached_property
    def columns(self) -> dict[str, str]:
        """Column -> Ibis type, a leading "!" means NOT NULL."""
        pairs = (column.partition(":") for column in self.declaration.split())
        return {
            name.rstrip("!"): ("!" if name.endswith("!") else "") + _TYPES[kind]
            for name, _, kind in pairs
        }

    @cached_property
    def schema(self) -> ibis.Schema:
        return ibis.schema(self.columns)


def rows_of(table: Table) -> Any:
    """All rows of `table`, as an expression. Whose rows somebody may see says `policy.visible`."""
    return ibis.table(table.schema, name=table.name)
