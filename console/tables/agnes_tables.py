"""The tables that everybody can question, each seeing only their own rows: what they are called,
what their columns mean, and their rows for one person.

Whoever asks, from SQL, Ibis, a chart or a job, is given the rows of `rows_for`: rights are decided
by `schema.policy`, below the text of any question. A grant on a page widens nothing here; admins
see all rows, and other people's rows of the audit log masked, as everywhere.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from console.masking import mask
from schema import tables
from schema.policy import Principal, Seen, SeenReports
from schema.table import Table

MASKED = ("params", "params_before", "resource")


@dataclass(frozen=True)
class AgnesTable:
    """`columns`: those that are offered -> what they mean, in their order."""

    name: str
    of: Table
    meaning: str
    columns: Mapping[str, str]

    def schema(self) -> pa.Schema:
        """As answers have it: nullable everywhere, because a question (an outer join, a CASE) makes
        nulls where the table has none, and a client's plan must not depend on which one it was."""
        shown = self.of.schema.to_pyarrow()
        return pa.schema([shown.field(name).with_nullable(True) for name in self.columns])


@cache
def agnes_tables() -> Mapping[str, AgnesTable]:
    """By name, as `console/data/agnes_tables.toml` describes them."""
    file = resources.files("console") / "data" / "agnes_tables.toml"
    known = {table.name: table for table in vars(tables).values() if isinstance(table, Table)}
    return {
        name: AgnesTable(name, known[about["of"]], about["meaning"], about["columns"])
        for name, about in tomllib.loads(file.read_text(encoding="utf-8")).items()
    }


def seen(table: AgnesTable, principal: Principal) -> Seen:
    kind = SeenReports if table.of is tables.FEEDBACK_REPORTS else Seen
    return kind(table.of, principal.own_rows_only())


def selected(seen: Seen, columns: tuple[str, ...]) -> ir.Table:
    """The question behind every reading of a table."""
    return seen.rows().select(*columns)


def newest(seen: Seen, columns: tuple[str, ...], count: int) -> ir.Table:
    """The `count` last rows by their first time column."""
    rows = selected(seen, columns)
    times = [name for name, kind in rows.schema().items() if kind.is_timestamp()]
    return rows.order_by([ibis.desc(times[0]), *seen.table.key]).limit(count)


def counted(seen: Seen) -> ir.Table:
    return seen.rows().aggregate(rows=lambda rows: rows.count())


def needs_mask(table: AgnesTable, principal: Principal, columns: Sequence[str]) -> bool:
    """Whether rows of others come with columns that the mask touches."""
    touched = table.of is tables.AUDIT_LOG and not set(MASKED).isdisjoint(columns)
    others = principal.view is not None or principal.own_rows_only().sees_all(table.of)
    return touched and others


def masked(
    batches: Iterator[pa.RecordBatch], principal: Principal, columns: Sequence[str]
) -> Iterator[pa.RecordBatch]:
    """Batches whose last column is `user_id`, with other people's rows masked and only `columns`
    left. It costs about 2 us a row."""
    for batch in batches:
        rows: list[dict[str, Any]] = batch.select(
            [name for name in batch.schema.names if name in (*MASKED, "user_id")]
        ).to_pylist()
        shown = [mask(row, principal) for row in rows]
        for name in MASKED:
            if name in batch.schema.names:
                at = batch.schema.get_field_index(name)
                texts = pa.array([row[name] for row in shown], pa.string())
                batch = batch.set_column(at, batch.schema.field(at), texts)
        yield batch.select(list(columns))
