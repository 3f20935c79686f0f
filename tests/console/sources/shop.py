"""A database of a shop: in a real PostgreSQL where there is one, else its rows as they would come.

The stand-in knows columns and limits; it leaves out no rows, which a source never has to.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pyarrow as pa
import pytest

from console.sources import sql
from console.sources.errors import SourceDown, SourceFailed
from console.tables.connections import Connection
from console.tables.table_files import Column
from tests import postgres_server

PASSWORD = "p@ss:w/%41 word"
ORDERS = 5000
START = datetime(2026, 1, 1)
COLUMNS = (
    {"name": "id", "type": "int64", "meaning": "its number"},
    {"name": "customer", "type": "string", "meaning": ""},
    {"name": "amount", "type": "decimal(10, 2)", "meaning": ""},
    {"name": "made_at", "type": "timestamp(6)", "meaning": ""},
)
_MADE = f"""
CREATE TABLE orders (id bigint, customer text, amount numeric(10, 2), made_at timestamptz);
INSERT INTO orders SELECT n, 'customer ' || n % 10, n % 100 + 0.25,
    timestamptz '{START.isoformat()}Z' + n * interval '1 hour'
    FROM generate_series(0, {ORDERS - 1}) n;
COMMENT ON COLUMN orders.id IS 'its number';
"""


@dataclass(frozen=True)
class Shop:
    """`address`: of a role that may only read; `owner`: of who may all, empty for a stand-in."""

    address: str
    owner: str = ""

    @property
    def setting(self) -> str:
        """Of AGNES_SOURCES, with a connection to nobody beside it."""
        return f"shop={self.address} gone=postgresql://me:{NOBODYS}@127.0.0.1:1/none"

    def do(self, *statements: str) -> None:
        """As its owner."""
        with psycopg.connect(self.owner, autocommit=True) as line:
            for one in statements:
                line.execute(one.encode())

    def ask(self, text: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.owner, autocommit=True) as line:
            return line.execute(text.encode()).fetchall()


NOBODYS = "nobodys-password"


@contextmanager
def shop(server: str | None, name: str) -> Iterator[Shop]:
    if server is None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sql, "batches", _batches)
            patch.setattr(sql, "columns", _columns)
            yield Shop("postgresql://reader:x@127.0.0.1:1/shop")
        return
    with postgres_server.database(server, name, f"{name}_reader", PASSWORD) as (owner, reader):
        made = Shop(reader, owner)
        made.do(_MADE)
        yield made


def rows() -> pa.Table:
    numbers = range(ORDERS)
    kinds = {"id": pa.int64(), "customer": pa.string(), "made_at": pa.timestamp("us")}
    return pa.table(
        {
            "id": pa.array(numbers, kinds["id"]),
            "customer": pa.array([f"customer {n % 10}" for n in numbers]),
            "amount": pa.array([n % 100 + 0.25 for n in numbers]).cast(pa.decimal128(10, 2)),
            "made_at": pa.array([START + timedelta(hours=n) for n in numbers], kinds["made_at"]),
        }
    )


def _columns(settings: Any, connection: str, relation: str, **_: Any) -> list[Column]:
    _known(settings, connection, relation)
    return [Column(**one) for one in COLUMNS]


def _known(settings: Any, connection: str, relation: str) -> None:
    """Raises what a source says of what it does not have."""
    source: Connection = sql.connection_of(settings, connection)
    if connection == "gone":
        raise SourceDown(source, "connection refused")
    if relation not in ("orders", "SELECT * FROM orders"):
        raise SourceFailed(source, f'relation "{relation}" does not exist')


def _batches(
    settings: Any,
    connection: str,
    relation: str,
    *,
    columns: Sequence[str] | None = None,
    limit: int | None = None,
    **_: Any,
) -> Iterator[pa.RecordBatch]:
    _known(settings, connection, relation)
    yield from rows().select(columns or rows().schema.names).slice(0, limit).to_batches(1000)
