"""The database a question runs in: in memory, with the caller's rows and nothing else.

Every setting is one statement, in this order, because the engine refuses some of them after others;
the lock is the last. Without the lock, a running box takes back what was set before.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import duckdb
import pyarrow as pa

_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "allow_unsigned_extensions": "false",
    "python_enable_replacements": "false",
    "threads": "1",  # else they are started, and waited for when they are taken away
}
_SHUT = (
    "SET temp_directory = ''",
    "SET python_enable_replacements = false",
    "SET autoinstall_known_extensions = false",
    "SET autoload_known_extensions = false",
    "SET allow_community_extensions = false",
    "SET allow_persistent_secrets = false",
    "SET threads = 1",
    "SET max_expression_depth = 250",
    "SET pivot_limit = 1000",
    "SET TimeZone = 'UTC'",
    "SET enable_external_access = false",
)
_MEMORY = "SET memory_limit = '{memory}B'"
_LOCK = "SET lock_configuration = true"
_NUDGE = 0.05  # seconds: an interrupt that comes before the work begins is lost, so it is repeated


def shut() -> duckdb.DuckDBPyConnection:
    """An empty box, which can reach nothing; `filled` makes it ready for a question."""
    box = duckdb.connect(":memory:", config=_CONFIG)
    for statement in _SHUT:
        box.execute(statement)
    return box


def filled(
    box: duckdb.DuckDBPyConnection,
    tables: Iterable[tuple[str, pa.RecordBatchReader]],
    *,
    memory: int,
) -> duckdb.DuckDBPyConnection:
    """The same, locked, with a copy of `tables`; `memory` in bytes."""
    box.execute(_MEMORY.format(memory=memory))
    for name, rows in tables:
        box.from_arrow(rows).create(name)
    box.execute(_LOCK)
    return box


@contextmanager
def within(box: duckdb.DuckDBPyConnection, seconds: float) -> Iterator[threading.Event]:
    """Interrupt whatever the box does after that time. The event tells that it was too long."""
    ended, late = threading.Event(), threading.Event()

    def watch() -> None:
        if ended.wait(seconds):
            return
        late.set()
        while not ended.wait(_NUDGE):
            box.interrupt()

    watching = threading.Thread(target=watch, daemon=True)
    watching.start()
    try:
        yield late
    finally:
        ended.set()
        watching.join()


def batches(
    box: duckdb.DuckDBPyConnection, sql: str, *, rows: int
) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    """The answer as it comes, one row more than `rows` at most: that one tells that there are
    more."""
    reader = box.execute(sql).to_arrow_reader(20_000)

    def upto() -> Iterator[pa.RecordBatch]:
        left = rows + 1
        for batch in reader:
            yield batch.slice(0, left)
            left -= batch.num_rows
            if left <= 0:
                return

    return reader.schema, upto()
