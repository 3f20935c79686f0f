"""What is measured inside this process: writes, the pulse, and the yardsticks for the machine."""

from __future__ import annotations

import asyncio
import hashlib
import inspect
import time
from collections.abc import Iterable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import duckdb

from bench.budgets import Figure, percentile, spread
from bench.data import CACHE, Data

if TYPE_CHECKING:
    from bench.stage import Stage

WRITERS = (1, 8, 64)
WRITES = (*(f"writes.{count}" for count in WRITERS), "writes.floor")
_SECONDS = 3.0  # that each number of writers writes
_PULSES = 40
_PAGES = 60
_LOOPS = 15


def writes(stage: Stage) -> Iterable[Figure]:
    """Acknowledged audit rows a second, by 1, 8 and 64 coroutines; and single commits without any
    of ours.
    """
    from schema.store import Store

    CACHE.mkdir(exist_ok=True)
    with TemporaryDirectory(dir=CACHE) as name:
        folder = Path(name)
        with closing(Store(folder / "agnes.duckdb")) as store:
            for count in WRITERS:
                written, seconds = asyncio.run(_writing(store, count))
                yield Figure(f"writes.{count}", written / seconds, None, written)
        written, seconds = _raw_commits(folder / "raw.duckdb")
        yield Figure("writes.floor", written / seconds, None, written)


async def _writing(store: Any, writers: int) -> tuple[int, float]:
    from console.audit import Caller, entry

    end = time.perf_counter() + _SECONDS
    params = {
        "sql_preview": "SELECT region, SUM(amount) FROM orders GROUP BY 1",
        "rows_returned": 7,
    }

    async def write() -> int:
        count = 0
        while time.perf_counter() < end:
            caller = Caller(client_kind="cli", client_ip="127.0.0.1")
            await store.awrite(entry(caller, "query.local", resource="table:orders", params=params))
            count += 1
        return count

    began = time.perf_counter()
    counts = await asyncio.gather(*(write() for _ in range(writers)))
    return sum(counts), time.perf_counter() - began


def _raw_commits(path: Path) -> tuple[int, float]:
    """One row a commit, straight into DuckDB, until the time is up."""
    row = ["0" * 36, datetime.now(UTC).replace(tzinfo=None), "query.local", "x" * 200]
    with closing(duckdb.connect(str(path))) as con:
        con.execute("CREATE TABLE t (id VARCHAR, moment TIMESTAMP, action VARCHAR, params VARCHAR)")
        began, count = time.perf_counter(), 0
        while time.perf_counter() - began < _SECONDS:
            con.execute("INSERT INTO t VALUES (?, ?, ?, ?)", row)
            count += 1
        return count, time.perf_counter() - began


def health(stage: Stage) -> Iterable[Figure]:
    """The pulse, computed anew each time."""
    from console import pulse
    from console.app import open_instance
    from console.settings import Settings

    instance = open_instance(Settings({}, AGNES_DATA_DIR=str(stage.data.folder)))
    with closing(instance.store):
        took = []
        for _ in range(_PULSES + 2):
            began = time.perf_counter()
            _done(pulse.compute(instance))
            took.append((time.perf_counter() - began) * 1000)
    yield spread("health", took[2:])


def _done(answer: Any) -> Any:
    async def wait() -> Any:
        return await answer

    return asyncio.run(wait()) if inspect.isawaitable(answer) else answer


def reference(data: Data) -> float:
    """Milliseconds (median) of a fixed piece of work: the newest page of the last day, as plain
    SQL.
    """
    since = datetime.now(UTC).replace(tzinfo=None) - timedelta(days=1)
    sql = (
        "SELECT * EXCLUDE (search) FROM audit_log WHERE timestamp >= ?"
        " ORDER BY timestamp DESC, id DESC LIMIT 50"
    )
    took = []
    with closing(duckdb.connect(str(data.database), config={"threads": 2})) as con:
        for _ in range(_PAGES):
            began = time.perf_counter()
            con.execute(sql, [since]).fetchall()
            took.append((time.perf_counter() - began) * 1000)
    return percentile(took[5:], 0.5)


def loop() -> float:
    """Milliseconds (median) of a loop that needs nothing but a core: shows whether others are at
    work.
    """
    block, took = b"x" * (1 << 20), []
    for _ in range(_LOOPS):
        began = time.perf_counter()
        for _ in range(8):
            hashlib.sha256(block).digest()
        took.append((time.perf_counter() - began) * 1000)
    return percentile(took, 0.5)
