"""The console's own tables: how much they hold, what is newest in them, and who sees which rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

from console.pages.catalog.tables import title
from console.pages.tables.reading import Reading
from console.pages.tables.state import INTERNAL
from console.tables import agnes_tables
from console.tables.agnes_rows import standing
from console.tables.agnes_tables import AgnesTable
from schema import tables

_WEIGHED = 500  # rows, the newest ones, from which the size of all is judged


@dataclass(frozen=True)
class Held:
    """`size`: about how many bytes a question about all columns reads, None of nothing; `newest`:
    when the newest row is from, by its column `of`."""

    table: AgnesTable
    title: str
    rows: int
    size: int | None
    newest: datetime | None
    of: str
    rule: str


def read(reading: Reading) -> list[Held] | None:
    if reading.state.tab != INTERNAL or reading.state.table:
        return None
    return [_held(reading, table) for table in agnes_tables.agnes_tables().values()]


def _held(reading: Reading, table: AgnesTable) -> Held:
    store, me = reading.instance.store, reading.caller.me
    rows = standing(store, table, me)["visible"]
    seen, columns = agnes_tables.seen(table, me), tuple(table.columns)
    newest = store.ask(agnes_tables.newest, seen, columns, _WEIGHED)
    at = next(field.name for field in newest.schema if pa.types.is_timestamp(field.type))
    few = newest.num_rows
    return Held(
        table=table,
        title=title(reading.offers[table.name]),
        rows=rows,
        size=round(newest.nbytes / few * rows) if few else None,
        newest=newest.column(at)[0].as_py() if few else None,
        of=at,
        rule=_rule(table),
    )


def _rule(table: AgnesTable) -> str:
    rule = f"everybody the rows whose `{table.of.owner}` is theirs; admins all"
    return f"{rule}, those of others masked" if table.of is tables.AUDIT_LOG else rule
