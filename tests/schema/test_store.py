from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import duckdb
import ibis
import pyarrow as pa
import pytest

from schema.errors import Conflict, Unavailable
from schema.store import Store, settle
from schema.tables import USER_GROUPS, USERS
from schema.transaction import Rows, Transaction
from tests.schema.some_groups import group, groups, names, table
from tests.server_process import clean_environment

PROJECT = Path(__file__).parents[2]


def hold_the_writer(store: Store) -> threading.Event:
    """What is written from now on waits in one group until the event is set."""
    go, busy = threading.Event(), threading.Event()

    def wait(transaction: Transaction) -> None:
        busy.set()
        assert go.wait(20)

    store.write(wait)
    assert busy.wait(20)
    return go


# Reading


def test_a_read_gives_arrow_with_the_declared_types(store: Store) -> None:
    store.write(groups("a")).result()
    found = store.read(table())
    assert isinstance(found, pa.Table)
    assert found.schema.names == list(USER_GROUPS.columns)
    assert found.schema.field("created_at").type == pa.timestamp("us")
    assert found.to_pylist() == [group("a", description=None, claim=None)]


def test_questions_of_other_arguments_are_other_questions(store: Store) -> None:
    store.write(groups("a", "b", "c")).result()

    def first(count: int) -> Any:
        return table().order_by("name").limit(count)

    assert [store.ask(first, count).num_rows for count in (1, 2, 1, 9)] == [1, 2, 1, 3]


def test_a_failing_read_does_not_spoil_the_next(store: Store) -> None:
    store.write(groups("a")).result()
    missing = ibis.table({"x": "int64"}, name="no_such_table")
    for _ in range(12):  # more often than there are readers
        with pytest.raises(duckdb.CatalogException):
            store.read(missing)
    assert names(store) == ["a"]


def test_reads_run_beside_each_other_and_off_the_loop(store: Store) -> None:
    together = threading.Barrier(4, timeout=20)

    def work(number: int) -> int:
        together.wait()
        return number

    async def main() -> list[int]:
        return list(await asyncio.gather(*(store.offload(work, number) for number in range(4))))

    assert asyncio.run(main()) == [0, 1, 2, 3]


def test_a_snapshot_does_not_move_while_writes_go_on(store: Store) -> None:
    before = [f"a{number:05d}" for number in range(6_000)]
    store.write(groups(*before)).result()
    with store.snapshot(table(), rows=1_000) as (count, pieces):
        first = next(pieces)
        store.write(groups("late")).result()
        store.write(lambda change: change.delete(USER_GROUPS, {"name": "a05999"})).result()
        rest = list(pieces)
    got = [row["name"] for piece in (first, *rest) for row in piece.to_pylist()]
    assert count == len(got) == 6_000
    assert sorted(got) == before
    assert len(names(store)) == 6_000


def test_leaving_a_snapshot_early_frees_its_cursor(store: Store) -> None:
    store.write(groups(*(f"a{number:05d}" for number in range(5_000)))).result()
    kept = []
    for _ in range(20):
        with store.snapshot(table(), rows=100) as (_, pieces):
            next(pieces)
            kept.append(pieces)
    assert store._cursors.qsize() == 1
    assert len(names(store)) == 5_000
    store.write(groups("later")).result()
    assert len(names(store)) == 5_001  # the cursor does not live in the old snapshot


def test_an_error_inside_a_snapshot_leaves_a_store_that_works(store: Store) -> None:
    store.write(groups(*(f"a{number:05d}" for number in range(5_000)))).result()

    def leave() -> None:
        with store.snapshot(table(), rows=100) as (_, pieces):
            next(pieces)
            raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        leave()
    assert store._cursors.qsize() == 0
    assert len(names(store)) == 5_000


# Writing


def test_steps_of_a_write_are_all_done_or_none(store: Store) -> None:
    def fail(transaction: Transaction) -> None:
        assert [row["name"] for row in transaction.read(table())] == ["a"]
        raise Conflict("no")

    with pytest.raises(Conflict):
        store.write(groups("a"), fail, groups("b")).result()
    assert names(store) == []
    store.write(groups("a"), groups("b")).result()
    assert names(store) == ["a", "b"]


def test_the_answer_is_that_of_the_last_function(store: Store) -> None:
    assert store.write(lambda _: 1, lambda _: 2, groups("a")).result() == 2
    assert store.write(groups("b")).result() is None


def test_a_failing_write_of_a_group_fails_alone(store: Store) -> None:
    go = hold_the_writer(store)

    def fail(transaction: Transaction) -> None:
        transaction.insert(groups("never"))
        raise Conflict("taken")

    good = [store.write(groups(f"g{number}")) for number in range(5)]
    bad = [store.write(fail), store.write(Rows(USER_GROUPS, [{"id": "half"}]))]
    good += [store.write(groups(f"g{number}")) for number in range(5, 9)]
    go.set()
    for done in good:
        done.result(20)
    with pytest.raises(Conflict, match="taken"):
        bad[0].result(20)
    with pytest.raises(duckdb.ConstraintException, match=r"user_groups\.name"):
        bad[1].result(20)
    assert names(store) == [f"g{number}" for number in range(9)]


def test_writes_that_wait_share_one_commit(store: Store) -> None:
    go = hold_the_writer(store)
    before = store.version()
    waiting = [store.write(groups(f"g{number}")) for number in range(50)]
    assert store.waiting == 51
    go.set()
    for done in waiting:
        done.result(20)
    assert store.version() == before + 2  # the one that was held, and one for the fifty
    assert len(names(store)) == 50


def test_an_acknowledged_write_is_seen_by_a_read_at_once(store: Store) -> None:
    for number in range(50):
        store.write(groups(f"g{number}")).result()
        assert len(names(store)) == number + 1


def test_nothing_is_seen_before_the_commit(store: Store) -> None:
    inside, go = threading.Event(), threading.Event()

    def wait(transaction: Transaction) -> None:
        transaction.flush()
        inside.set()
        assert go.wait(20)

    done = store.write(groups("a"), wait)
    assert inside.wait(20)
    assert names(store) == []
    assert not done.done()
    go.set()
    done.result(20)
    assert names(store) == ["a"]


def test_the_version_grows_with_each_commit_and_table(store: Store) -> None:
    every, of_groups, of_users = (
        store.version(),
        store.version("user_groups"),
        store.version("users"),
    )
    store.write(groups("a")).result()
    assert store.version() > every
    assert store.version("user_groups") > of_groups
    assert store.version("users") == of_users
    for change in (
        lambda done: done.update(USER_GROUPS, {"id": "a"}, {"name": "b"}),
        lambda done: done.put(USER_GROUPS, group("a")),
        lambda done: done.delete(USER_GROUPS, {"id": "a"}),
    ):
        before = store.version("users", "user_groups")
        store.write(change).result()
        assert store.version("users", "user_groups") > before
    before = store.version()
    with pytest.raises(KeyError):
        store.write(Rows(USERS, [{"nonsense": 1}])).result()
    assert store.version() == before


def test_nothing_waits_after_many_threads_have_written(store: Store) -> None:
    def work(number: int) -> None:
        for turn in range(50):
            store.write(groups(f"{number}-{turn}")).result()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.waiting == 0
    assert len(set(names(store))) == 400


def test_a_cancelled_write_stands_and_harms_nobody(store: Store) -> None:
    async def main() -> None:
        go = hold_the_writer(store)
        leaving = asyncio.create_task(store.awrite(groups("left")))
        staying = asyncio.create_task(store.awrite(groups("stayed"), lambda _: "done"))
        await asyncio.sleep(0)
        leaving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaving
        go.set()
        assert await staying == "done"

    asyncio.run(main())
    assert names(store) == ["left", "stayed"]


def test_a_loop_that_closed_before_the_answer_harms_nobody(store: Store) -> None:
    go = hold_the_writer(store)

    async def leave() -> None:
        task = asyncio.create_task(store.awrite(groups("left")))
        await asyncio.sleep(0)
        task.cancel()

    asyncio.run(leave())
    go.set()
    store.write(groups("stayed")).result(20)
    assert names(store) == ["left", "stayed"]


def test_an_answer_to_one_who_left_just_now_is_dropped() -> None:
    class Leaving(Future[Any]):
        """Cancelled between the look at it and the answer."""

        def cancelled(self) -> bool:
            self.cancel()
            return False

    staying: Future[Any] = Future()
    leaving = Leaving()
    leaving.cancel()
    settle([(leaving, None, 1), (staying, None, 2)])
    assert staying.result(0) == 2


# Time


def test_a_naive_time_comes_back_the_same_in_another_zone(tmp_path: Path) -> None:
    # 01:30 on this day comes twice in New York; 02:30 of 9 March does not exist there.
    script = """
import sys
from datetime import datetime
from pathlib import Path
import ibis
from schema.store import Store
from schema.tables import USER_GROUPS
from schema.transaction import Rows
times = [datetime(2025, 11, 2, 1, 30), datetime(2025, 3, 9, 2, 30), datetime(1969, 7, 20, 20, 17)]
store = Store(Path(sys.argv[1]), threads=1)
rows = [{"id": str(n), "name": "x", "created_at": at} for n, at in enumerate(times)]
store.write(Rows(USER_GROUPS, rows)).result()
store.write(Rows(USER_GROUPS, rows * 20)).result()
found = store.read(ibis.table(USER_GROUPS.schema, name="user_groups").order_by("id"))
assert sorted(set(found["created_at"].to_pylist())) == sorted(times), found
zone = store._engine.cursor().execute("SELECT current_setting('TimeZone')").fetchone()
assert zone == ("UTC",), zone
store.close()
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "a.duckdb")],
        env=clean_environment(TZ="America/New_York", PYTHONPATH=str(PROJECT)),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


# Opening and closing


def test_closing_loses_nothing_that_was_handed_over(tmp_path: Path) -> None:
    path = tmp_path / "a.duckdb"
    store = Store(path, threads=1)
    go = hold_the_writer(store)
    waiting = [store.write(groups(f"g{number:04d}")) for number in range(1_500)]
    closing = threading.Thread(target=store.close)
    closing.start()
    go.set()
    closing.join(60)
    assert all(done.done() and done.exception() is None for done in waiting)
    store = Store(path, threads=1)
    assert names(store) == [f"g{number:04d}" for number in range(1_500)]
    store.close()


def test_a_closed_store_refuses_writes_and_can_be_closed_again(tmp_path: Path) -> None:
    store = Store(tmp_path / "a.duckdb", threads=1)
    store.close()
    store.close()
    with pytest.raises(Unavailable, match="closed"):
        store.write(groups("a"))
    with pytest.raises(Unavailable, match="closed"):
        asyncio.run(store.awrite(groups("a")))
    assert not Path(f"{tmp_path}/a.duckdb.wal").exists()
