"""What users, groups, grants and tokens all ask: one row by its id, rows with a text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any, Protocol, TypeAlias

import ibis.expr.types as ir

from console.audit import printable
from schema.errors import NotFound, shorten
from schema.store import Store
from schema.table import Table, rows_of

Row: TypeAlias = dict[str, Any]


class Reads(Protocol):
    """What can be asked for rows: a `Transaction`, and whatever reads alike outside of one."""

    def read(self, expression: ir.Expr) -> list[Row]: ...


@dataclass(frozen=True)
class Outside:
    """Reads outside of a write: each sees what is committed by then. Blocks."""

    store: Store

    def read(self, expression: ir.Expr) -> list[Row]:
        found: list[Row] = self.store.read(expression).to_pylist()
        return found


def where(table: Table, **equal: str) -> ir.Table:
    """Rows of `table` whose columns equal the given texts, whatever a stranger sent as such."""
    rows = rows_of(table)
    return rows.filter([rows[column] == printable(text) for column, text in equal.items()])


def where_id(rows: ir.Table, id: str) -> ir.Table:
    """The row of a listing with this id, or none."""
    return rows.filter(rows.id == printable(id))


def one(reads: Reads, table: Table, noun: str, id: str) -> Row:
    """The row with this id, as the write sees it. Raises NotFound that names the id."""
    return only(reads.read(where(table, id=id)), noun, id)


def only(rows: Sequence[Row], noun: str, id: str) -> Row:
    if not rows:
        raise NotFound(f"no {noun} {shorten(id)}", detail=f"List the {noun}s to see their ids.")
    return rows[0]


def containing(rows: ir.Table, text: str | None, *columns: str) -> ir.Table:
    """Rows with `text` in one of the columns, whatever its case; `%` and `_` are plain signs."""
    if not text:
        return rows
    found: list[Any] = [rows[name].lower().contains(text.lower()) for name in columns]
    return rows.filter(reduce(or_, found))


def pick(row: Mapping[str, Any], columns: Iterable[str]) -> Row:
    """Only these columns: how secrets stay where they are."""
    return {name: row[name] for name in columns}


def changes(before: Mapping[str, Any], wanted: Mapping[str, Any]) -> Row:
    """What of `wanted` differs from `before`."""
    return {name: value for name, value in wanted.items() if before[name] != value}
