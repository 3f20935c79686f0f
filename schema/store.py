"""The one door to the data. Reads run Ibis expressions on pooled cursors; one thread writes.

A write is acknowledged only after its commit is on disk. The writer takes whatever is waiting,
commits it once and then answers everybody: a commit costs about 1.3 ms however many rows it holds.
It never waits for more.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable, Hashable, Iterator, Sequence
from concurrent import futures
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import ibis.expr.types as ir
import pyarrow as pa

from schema import migrate
from schema.bind import Bindable, Value
from schema.copy import copy_to
from schema.engine import Engine
from schema.errors import Unavailable
from schema.transaction import Rows, Transaction
from schema.watch import Watch

T = TypeVar("T")
Step = Rows | Callable[[Transaction], Any]
Loop = asyncio.AbstractEventLoop
Done = Future[Any] | asyncio.Future[Any]
Item = tuple[tuple[Step, ...], Done, Loop | None]
_GROUP = 512  # writes in one commit, at most
_PLANS = 512  # compiled questions kept
_LOG = 16 << 20  # bytes of write-ahead log that are folded into the file
_FULL = ("No space left", "Disk quota", "disk is full", "File too large", "not enough space")


@dataclass(frozen=True)
class Failure:
    error: Exception


def settle(answers: Sequence[tuple[Done, Loop | None, Any]]) -> None:
    """Hand out the answers of one commit. Each event loop is woken once."""
    by_loop: defaultdict[Loop | None, list[tuple[Done, Any]]] = defaultdict(list)
    for done, loop, answer in answers:
        by_loop[loop].append((done, answer))
    for loop, some in by_loop.items():
        if loop is None:
            resolve(some)
        else:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(resolve, some)


def resolve(answers: Sequence[tuple[Done, Any]]) -> None:
    for done, answer in answers:
        # The caller may have left, at any moment; the write stands all the same.
        with contextlib.suppress(asyncio.InvalidStateError, futures.InvalidStateError):
            if isinstance(answer, Failure):
                done.set_exception(answer.error)
            else:
                done.set_result(answer)


class Store:
    """Opens the file, migrates it, and serves reads and writes until `close()`."""

    def __init__(
        self,
        path: Path,
        *,
        memory_limit: str = "256MB",
        threads: int | None = None,
        readers: int = 8,
        say: Callable[[str], None] = lambda text: None,
    ) -> None:
        self.path = path
        self._options: dict[str, Any] = {"memory_limit": memory_limit, "threads": threads}
        self._engine = open_migrated(path, say=say, **self._options)
        self._pool = ThreadPoolExecutor(readers, thread_name_prefix="agnes-read")
        self._cursors: queue.LifoQueue[duckdb.DuckDBPyConnection] = queue.LifoQueue()
        self.watch = Watch()
        self._plans: OrderedDict[Hashable, str] = OrderedDict()
        self._versions: Counter[str] = Counter()
        self._commits = 0
        self._queue: queue.SimpleQueue[Item | None] = queue.SimpleQueue()
        self._waiting = 0
        self._fold_at = _LOG
        self._broken = False  # the engine refuses all work until it is opened anew
        self._closing = threading.Lock()
        self._closed = False
        self._writer = threading.Thread(target=self._write_forever, name="agnes-write", daemon=True)
        self._writer.start()

    # -- reading

    def read(self, expression: ir.Expr) -> pa.Table:
        """Run `expression`; its rows as an Arrow table."""
        return self._run(expression, self._engine.compile(expression), {})

    def ask(self, question: Callable[..., ir.Table], *args: Any) -> pa.Table:
        """Run `question(*args)`. Arguments that are `Bindable` (filters, row rights) are compiled
        once per shape and their values sent as parameters; all others are part of the shape and
        must be hashable."""
        return self._run(question, *self._planned(question, args))

    def rows(self, question: Callable[..., ir.Table], *args: Any) -> list[dict[str, Any]]:
        """`ask`, as a list of dicts: for answers of some hundred rows, where making an Arrow table
        would cost as much as the query (1 ms)."""
        sql, values = self._planned(question, args)
        with self._cursor() as cursor, self.watch.timed(question):
            found = cursor.execute(sql, values or None).fetchall()
            names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found]

    def _planned(
        self, question: Callable[..., ir.Table], args: tuple[Any, ...]
    ) -> tuple[str, dict[str, Value]]:
        key: list[Hashable] = [question]
        values: dict[str, Value] = {}
        for number, arg in enumerate(args):
            if isinstance(arg, Bindable):
                key.append(arg.shape())
                values |= {f"a{number}_{name}": value for name, value in arg.values().items()}
            else:
                key.append(arg)
        return self._plan(tuple(key), question, args), values

    @contextlib.contextmanager
    def batches(
        self, question: Callable[..., ir.Table], *args: Any, rows: int = 20_000
    ) -> Iterator[pa.RecordBatchReader]:
        """`ask`, piece by piece and with flat memory. Leave the block when done with the rows."""
        sql, values = self._planned(question, args)
        with self._cursor() as cursor:
            yield cursor.execute(sql, values or None).to_arrow_reader(rows)

    @contextlib.contextmanager
    def snapshot(
        self, expression: ir.Expr, *, rows: int = 10_000
    ) -> Iterator[tuple[int, Iterator[pa.RecordBatch]]]:
        """How many rows `expression` has, and the rows themselves piece by piece, both from one
        snapshot and with flat memory. Leave the block when done with the rows."""
        sql = self._engine.compile(expression)
        with self._cursor() as cursor:
            cursor.begin()
            try:
                (count,) = cursor.execute(f"SELECT count(*) FROM ({sql})").fetchall()[0]
                yield count, iter(cursor.execute(sql).to_arrow_reader(rows))
            finally:
                cursor.rollback()

    def memory(self) -> tuple[int, int]:
        """Bytes that the engine holds in memory, and of those it has put on the disk for now."""
        with self._cursor() as cursor:
            asked = "SELECT sum(memory_usage_bytes), sum(temporary_storage_bytes)"
            ((held, spilled),) = cursor.execute(f"{asked} FROM duckdb_memory()").fetchall()
        return int(held or 0), int(spilled or 0)

    def copy_to(self, target: Path) -> dict[str, int]:
        """Write all tables, as of one moment, to a new file; rows by table. Writers and readers go
        on. Blocks, about 4 s for a million rows; one copy at a time."""
        with self._cursor() as cursor:
            return copy_to(cursor, target)

    async def offload(self, work: Callable[..., T], *args: Any) -> T:
        """Run blocking `work` (reads, hashing) in the read pool, off the event loop."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, work, *args)

    def version(self, *tables: str) -> int:
        """A number that grows with each commit; with names, with each that touched one of them."""
        return sum(self._versions[name] for name in tables) if tables else self._commits

    @property
    def waiting(self) -> int:
        """Writes handed over and not yet acknowledged."""
        return self._waiting

    def _plan(self, key: Hashable, question: Callable[..., ir.Table], args: tuple[Any, ...]) -> str:
        sql = self._plans.get(key)
        if sql is None:
            bound = [
                arg.bound(f"a{number}_") if isinstance(arg, Bindable) else arg
                for number, arg in enumerate(args)
            ]
            sql = self._engine.compile(question(*bound))
            self._plans[key] = sql
            while len(self._plans) > _PLANS:
                self._plans.popitem(last=False)
        return sql

    def _run(self, question: object, sql: str, values: dict[str, Value]) -> pa.Table:
        with self._cursor() as cursor, self.watch.timed(question):
            return cursor.execute(sql, values or None).to_arrow_table()

    @contextlib.contextmanager
    def _cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        engine = self._engine
        try:
            cursor = self._cursors.get_nowait()
        except queue.Empty:
            cursor = engine.cursor()
        mark = self.watch.begin()
        try:
            yield cursor
        except BaseException:
            cursor.close()  # an unfinished result must not be handed to the next reader
            raise
        finally:
            self.watch.end(mark)
        if engine is self._engine:
            self._cursors.put(cursor)
        else:
            cursor.close()

    # -- writing ------------------------------------------------------------

    def write(self, *steps: Step) -> Future[Any]:
        """Do all `steps` in one transaction, or none. A step is `Rows` to insert, or a function of
        the `Transaction`, run on the writer's thread; it may run twice when a neighbour in its
        group fails, so it must have no other effect. The future holds the last function's answer,
        after the commit."""
        done: Future[Any] = Future()
        self._enqueue(steps, done, None)
        return done

    async def awrite(self, *steps: Step) -> Any:
        """`write` for coroutines: one wake-up of the event loop a commit, not one a write."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Any] = loop.create_future()
        self._enqueue(steps, done, loop)
        return await done

    def _enqueue(self, steps: tuple[Step, ...], done: Done, loop: Loop | None) -> None:
        with self._closing:
            if self._closed:
                raise Unavailable(
                    "the store is closed", detail="The server is stopping; try again."
                )
            self._waiting += 1
            self._queue.put((steps, done, loop))

    def close(self) -> None:
        """Refuse new writes, commit those that wait, then close the file."""
        with self._closing:
            if self._closed:
                return
            self._closed = True
            self._queue.put(None)
        self._writer.join()
        self._pool.shutdown(wait=True)
        with contextlib.suppress(duckdb.Error):
            self._engine.root.execute("CHECKPOINT")
        self._close_engine()

    def _write_forever(self) -> None:
        open_for_work = True
        while open_for_work:
            first = self._queue.get()
            if first is None:
                return
            group = [first]
            with contextlib.suppress(queue.Empty):
                while len(group) < _GROUP:
                    item = self._queue.get_nowait()
                    if item is None:
                        open_for_work = False
                        break
                    group.append(item)
            self._commit(group)
            self._fold_log()

    def _commit(self, group: list[Item]) -> None:
        try:
            answers: list[Any] = self._attempt([steps for steps, _, _ in group])
        except Exception as error:  # noqa: BLE001 (whatever it is, its writer is told)
            # Only the guilty one fails: each again, alone. Not after a fatal error: the commit may
            # stand, and a second try would write it twice.
            if len(group) > 1 and not isinstance(error, duckdb.FatalException):
                for item in group:
                    self._commit([item])
                return
            answers = [Failure(self._explain(error))] * len(group)
        with self._closing:
            self._waiting -= len(group)
        settle(
            [(done, loop, answer) for (_, done, loop), answer in zip(group, answers, strict=True)]
        )

    def _attempt(self, writes: list[tuple[Step, ...]]) -> list[Any]:
        con = self._begin()
        transaction = Transaction(con, self._engine.compile, self._planned)
        try:
            answers = [transaction.do(steps) for steps in writes]
            transaction.flush()
            con.commit()
        except BaseException as error:
            with contextlib.suppress(
                duckdb.Error
            ):  # a failed commit has ended the transaction already
                con.rollback()
            self._broken = isinstance(error, duckdb.FatalException)
            raise
        self._commits += 1
        self._versions.update(transaction.touched)
        return answers

    def _begin(self) -> duckdb.DuckDBPyConnection:
        if not self._broken:
            try:
                return self._engine.root.begin()
            except duckdb.FatalException:
                self._broken = True  # a reader met the error first
        self._reopen()
        return self._engine.root.begin()

    def _fold_log(self) -> None:
        """Move what the write-ahead log holds into the file. Apart from any commit, so that a
        failure (a full disk) is nobody's; tried again when as much has been added."""
        log = Path(f"{self.path}.wal")
        size = log.stat().st_size if log.exists() else 0
        if self._broken or size < self._fold_at:
            return
        try:
            self._engine.root.execute("CHECKPOINT")
            self._fold_at = _LOG
        except duckdb.Error as error:
            self._fold_at = size + _LOG
            self._broken = isinstance(error, duckdb.FatalException)

    def _explain(self, error: Exception) -> Exception:
        if isinstance(error, OSError | duckdb.Error) and any(word in str(error) for word in _FULL):
            return Unavailable(
                "nothing was written: the disk that holds the database is full",
                detail="Free space on the server's disk; writing goes on by itself.",
            )
        return error

    def _reopen(self) -> None:
        """DuckDB refuses all work after a fatal error (a failed checkpoint, say): open anew."""
        self._close_engine()
        self._engine = open_migrated(self.path, **self._options)
        self._broken = False

    def _close_engine(self) -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                self._cursors.get_nowait().close()
        self._engine.close()


def open_migrated(
    path: Path, *, say: Callable[[str], None] = lambda text: None, **options: Any
) -> Engine:
    """Open the file, new or old, in its newest form. An old one is copied aside first."""
    fresh = not path.exists()
    path.parent.mkdir(parents=True, exist_ok=True)
    engine = Engine(path, **options)
    try:
        todo = migrate.pending(engine.root)
        if todo and not fresh:
            engine.close()
            say(f"backup copy: {migrate.back_up(path, todo[0])}")
            engine = Engine(path, **options)
        migrate.apply(engine.root, say=say)
    except BaseException:
        engine.close()
        raise
    return engine
