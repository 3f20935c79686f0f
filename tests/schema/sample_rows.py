"""Made-up rows for any table, from its declaration: what tests need that are about every table."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from schema.store import Store
from schema.table import Table
from schema.tables import SCHEMA_MIGRATIONS, TABLES
from schema.transaction import Rows

START = datetime(2025, 11, 2, 5, 30, 0, 123456)
OWNERS = ("u1", "u2", "u3")


def sample(table: Table, number: int) -> dict[str, Any]:
    """Row `number` of `table`. In each third row the columns that may be null are null."""
    row = {column: _value(column, kind, number) for column, kind in table.columns.items()}
    if table.owner is not None and table.owner not in table.key:
        may_be_nobodys = not table.columns[table.owner].startswith("!")
        nobodys = may_be_nobodys and number % 7 == 6
        row[table.owner] = None if nobodys else OWNERS[number % len(OWNERS)]
    return row


def fill(store: Store, rows: int) -> dict[str, list[dict[str, Any]]]:
    """`rows` rows in every table but the book of migrations; what was written, by table."""
    written = {
        name: [sample(table, number) for number in range(rows)]
        for name, table in TABLES.items()
        if table is not SCHEMA_MIGRATIONS
    }
    store.write(*(Rows(TABLES[name], some) for name, some in written.items())).result()
    return written


def _value(column: str, kind: str, number: int) -> Any:
    if not kind.startswith("!") and number % 3 == 2:
        return None
    match kind.lstrip("!"):
        case "timestamp(6)":
            return START + timedelta(hours=number)
        case "date":
            return date(2025, 11, 2) + timedelta(days=number)
        case "int64":
            return 2**40 + number
        case "float64":
            return number + 0.125
        case "boolean":
            return number % 2 == 0
        case _:
            return f"{column} {number} – 'x' \"y\" ž\n;--"
