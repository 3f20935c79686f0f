"""What can be done inside one write: insert, update, delete, and reading what is there now."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import ibis.expr.types as ir
import pyarrow as pa

from schema.table import Table

if TYPE_CHECKING:  # kernels make rows too, and have no use for the engine's 30 MB
    import duckdb

Row = Mapping[str, Any]
# An Arrow table costs 2.4 ms to scan whatever its size, a row of VALUES 0.07 ms on top of 1.0 ms.
_FEW = 24


@dataclass(frozen=True)
class Rows:
    """Rows to append to `table`; columns not named are null."""

    table: Table
    rows: Sequence[Row] | pa.Table


class Transaction:
    """Handed to the functions given to `Store.write`. Inserts are gathered and sent as one Arrow
    table."""

    def __init__(
        self,
        con: duckdb.DuckDBPyConnection,
        compile: Callable[[ir.Expr], str],
        plan: Callable[..., tuple[str, Mapping[str, Any]]],
    ) -> None:
        self._con = con
        self._compile = compile
        self._plan = plan
        self._pending: defaultdict[str, list[Row]] = defaultdict(list)
        self._tables: dict[str, Table] = {}
        self.touched: set[str] = set()

    def do(self, steps: Sequence[Rows | Callable[[Transaction], Any]]) -> Any:
        """Do each step; the answer of the last function."""
        answer = None
        for step in steps:
            if isinstance(step, Rows):
                self.insert(step)
            else:
                answer = step(self)
        return answer

    def insert(self, rows: Rows) -> None:
        """Append rows (seen by later reads of this transaction)."""
        self.touched.add(rows.table.name)
        if isinstance(rows.rows, pa.Table):
            self._append(rows.table, rows.rows)
        else:
            self._tables[rows.table.name] = rows.table
            self._pending[rows.table.name] += rows.rows

    def read(self, expression: ir.Expr) -> list[dict[str, Any]]:
        """Rows of `expression` as this transaction sees them."""
        self.flush()
        found = self._con.execute(self._compile(expression)).to_arrow_table()
        rows: list[dict[str, Any]] = found.to_pylist()
        return rows

    def ask(self, question: Callable[..., ir.Table], *args: Any) -> list[dict[str, Any]]:
        """Rows of `question(*args)` as this transaction sees them, compiled once per shape as
        `Store.ask` does: compiling takes longer than most changes."""
        self.flush()
        sql, values = self._plan(question, args)
        found = self._con.execute(sql, values or None)
        names = [column[0] for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def update(self, table: Table, where: Row, values: Row) -> None:
        """Set `values` in the rows whose columns equal `where`."""
        self._change(table, f"UPDATE {table.name} SET {_pairs(values, ', ')}", values, where)

    def delete(self, table: Table, where: Row) -> None:
        """Delete the rows whose columns equal `where`."""
        self._change(table, f"DELETE FROM {table.name}", {}, where)

    def add(self, table: Table, row: Row) -> None:
        """Add a row whose key is known to be new."""
        self.insert(Rows(table, [row]))

    def delete_before(self, table: Table, column: str, moment: datetime) -> None:
        """Delete the rows that are older than `moment`."""
        self._erase(table, f'"{column}" < ?', moment)

    def update_among(self, table: Table, column: str, keys: Sequence[Any], values: Row) -> None:
        """Set `values` in the rows whose `column` is one of `keys`."""
        self.flush()
        self.touched.add(table.name)
        self._con.execute(
            f"UPDATE {table.name} SET {_pairs(values, ', ')} "
            f'WHERE "{column}" IN (SELECT unnest(?))',
            [*values.values(), list(keys)],
        )

    def delete_among(self, table: Table, column: str, values: Sequence[Any]) -> int:
        """Delete the rows whose `column` is one of `values`; how many there were."""
        return self._erase(table, f'"{column}" IN (SELECT unnest(?))', list(values))

    def put(self, table: Table, row: Row) -> None:
        """Replace the row with the same key, or add it."""
        self.delete(table, {column: row[column] for column in table.key})
        self.insert(Rows(table, [row]))

    def flush(self) -> None:
        for name, rows in self._pending.items():
            if not rows:
                continue
            if len(rows) <= _FEW:
                self._append_few(self._tables[name], rows)
            else:
                self._append(self._tables[name], to_arrow(self._tables[name], rows))
        self._pending.clear()

    def _change(self, table: Table, sql: str, values: Row, where: Row) -> None:
        if not where:
            raise ValueError(f"{sql}: a change of every row is never meant")
        self.flush()
        self.touched.add(table.name)
        self._con.execute(
            f"{sql} WHERE {_pairs(where, ' AND ')}", [*values.values(), *where.values()]
        )

    def _erase(self, table: Table, condition: str, value: Any) -> int:
        self.flush()
        self.touched.add(table.name)
        sql = f"DELETE FROM {table.name} WHERE {condition}"
        (count,) = self._con.execute(sql, [value]).fetchall()[0]
        return int(count)

    def _append_few(self, table: Table, rows: Sequence[Row]) -> None:
        columns = list(dict.fromkeys(column for row in rows for column in row))
        _refuse_strangers(table, columns)
        one = f"({', '.join('?' * len(columns))})"
        names = ", ".join(f'"{name}"' for name in columns)
        self._con.execute(
            f"INSERT INTO {table.name} ({names}) VALUES {', '.join([one] * len(rows))}",
            [row.get(column) for row in rows for column in columns],
        )

    def _append(self, table: Table, rows: pa.Table) -> None:
        columns = ", ".join(f'"{name}"' for name in rows.column_names)
        self._con.register("agnes_new_rows", rows)
        try:
            self._con.execute(f"INSERT INTO {table.name} ({columns}) SELECT * FROM agnes_new_rows")
        finally:
            self._con.unregister("agnes_new_rows")


def to_arrow(table: Table, rows: Sequence[Row]) -> pa.Table:
    """Rows -> an Arrow table with all of `table`'s columns and types. Raises KeyError for an
    unknown column."""
    schema = arrow_schema(table)
    _refuse_strangers(table, {name for row in rows for name in row})
    arrays = [pa.array([row.get(field.name) for row in rows], field.type) for field in schema]
    return pa.table(arrays, schema=schema)


def _refuse_strangers(table: Table, columns: Iterable[str]) -> None:
    if strange := sorted(set(columns) - table.columns.keys()):
        raise KeyError(f"{table.name} has no column {', '.join(strange)}")


_SCHEMAS: dict[str, pa.Schema] = {}


def arrow_schema(table: Table) -> pa.Schema:
    """`table`'s columns as an Arrow schema; made once, because it is on the path of every write."""
    schema = _SCHEMAS.get(table.name)
    if schema is None:
        made = table.schema.to_pyarrow()
        schema = _SCHEMAS[table.name] = pa.schema([field.with_nullable(True) for field in made])
    return schema


def _pairs(values: Row, joint: str) -> str:
    return joint.join(f'"{column}" = ?' for column in values)
