"""A full disk refuses writes in words and loses nothing. They go on by themselves given room.

So they do after a fatal error, when DuckDB refuses all work until it is opened anew.
"""

from __future__ import annotations

import os
import resource
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import ibis
import pytest

from schema import store as store_module
from schema.errors import Unavailable
from schema.store import Store
from schema.tables import USER_GROUPS
from schema.transaction import Rows, Transaction

MB = 1 << 20
AT = datetime(2025, 11, 2, 5, 30)


def group(id: str, size: int = 10) -> Rows:
    row = {"id": id, "name": id, "description": os.urandom(size // 2).hex(), "created_at": AT}
    return Rows(USER_GROUPS, [row])


def ids(store: Store) -> list[str]:
    groups = ibis.table(USER_GROUPS.schema, name="user_groups")
    found: list[str] = store.read(groups.select("id").order_by("id"))["id"].to_pylist()
    return found


# A real full disk


@contextmanager
def mounted(folder: Path) -> Iterator[Callable[[], None]]:
    """A disk of 10 MB at `folder`, 6 of them taken. Gives what frees them."""
    balloon = folder / "balloon"
    mount = ["mount", "-t", "tmpfs", "-o", "size=10m", "none", str(folder)]
    subprocess.run(mount, check=True, capture_output=True)
    try:
        balloon.write_bytes(b"x" * (6 * MB))
        yield balloon.unlink
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@contextmanager
def limited(folder: Path) -> Iterator[Callable[[], None]]:
    """No file of this process may grow over 4 MB. Gives what lifts the limit."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def lift() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

    resource.setrlimit(resource.RLIMIT_FSIZE, (4 * MB, before[1]))
    try:
        yield lift
    finally:
        lift()


@contextmanager
def small_disk(folder: Path, *, kind: str) -> Iterator[Callable[[], None]]:
    """A disk that is soon full, and what makes room on it. Not everybody may mount one: then
    a limit on the size of files stands in for it."""
    folder.mkdir()
    if kind == "mounted":
        with suppress(subprocess.CalledProcessError, FileNotFoundError):
            with mounted(folder) as make_room:
                yield make_room
            return
    with limited(folder) as make_room:
        yield make_room


def fill(store: Store, acknowledged: list[str]) -> Exception:
    """Write until a write is refused; how."""
    for number in range(len(acknowledged), 5_000):
        try:
            store.write(group(f"g{number:05d}", 20_000)).result(60)
        except Unavailable as error:
            return error
        acknowledged.append(f"g{number:05d}")
    raise AssertionError("the disk was never full")


@pytest.mark.parametrize("kind", ["mounted", "limited"])
@pytest.mark.parametrize("log", [16 * MB, MB], ids=["log", "checkpoint"])
def test_a_full_disk_refuses_writes_and_they_go_on_when_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, log: int
) -> None:
    # With a small log the checkpoint meets the full disk first, with a large one the commit does.
    monkeypatch.setattr(store_module, "_LOG", log)
    acknowledged: list[str] = []
    with small_disk(tmp_path / "disk", kind=kind) as make_room:
        path = tmp_path / "disk" / "agnes.duckdb"
        store = Store(path, threads=1)
        try:
            error = fill(store, acknowledged)
            assert "the disk that holds the database is full" in str(error)
            assert "Free space" in getattr(error, "detail", "")
            for number in range(3):
                with pytest.raises(Unavailable):
                    store.write(group(f"refused{number}", 200_000)).result(60)
            assert ids(store) == acknowledged
            make_room()
            for number in range(5):
                store.write(group(f"later{number}", 200_000)).result(60)
                acknowledged.append(f"later{number}")
            assert ids(store) == acknowledged
        finally:
            store.close()
        store = Store(path, threads=1)
        try:
            assert ids(store) == acknowledged
        finally:
            store.close()


# An engine that gives up


class Troubled:
    """The writer's connection; one method fails once, before or after it has done its work."""

    def __init__(self, store: Store, method: str, *, late: bool = False) -> None:
        self._real = store._engine.root
        self._method, self._late = method, late
        self.failed = False
        store._engine.root = self  # type: ignore[assignment]

    def begin(self) -> Troubled:
        self.__getattr__("begin")()
        return self

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._real, name)
        if name != self._method or self.failed:
            return real

        def fail(*args: Any) -> Any:
            self.failed = True
            if self._late:
                real(*args)
            raise duckdb.FatalException("FATAL Error: the engine has given up")

        return fail


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "a.duckdb", threads=1)
    store.write(group("a")).result(60)
    yield store
    store.close()


def test_a_fatal_commit_fails_its_writes_and_the_next_one_works(store: Store) -> None:
    troubled = Troubled(store, "commit")
    with pytest.raises(duckdb.FatalException):
        store.write(group("b")).result(60)
    assert troubled.failed
    store.write(group("c")).result(60)
    assert ids(store) == ["a", "c"]


def test_a_group_whose_commit_stood_although_it_failed_is_not_written_twice(store: Store) -> None:
    busy, go = threading.Event(), threading.Event()

    def wait(transaction: Transaction) -> None:
        busy.set()
        assert go.wait(20)

    store.write(wait)
    assert busy.wait(20)
    # The held transaction goes on with the real connection; the next group meets the troubled one.
    troubled = Troubled(store, "commit", late=True)
    waiting = [store.write(group(f"b{number}")) for number in range(3)]
    go.set()
    for done in waiting:
        assert isinstance(done.exception(5), duckdb.FatalException)
    assert troubled.failed
    store.write(group("c")).result(60)
    assert ids(store) == ["a", "b0", "b1", "b2", "c"]


def test_a_write_works_when_a_reader_met_the_fatal_error_first(store: Store) -> None:
    troubled = Troubled(store, "begin")
    store.write(group("b")).result(60)
    assert troubled.failed
    assert ids(store) == ["a", "b"]


def test_a_failing_checkpoint_takes_nothing_back(store: Store) -> None:
    store._engine.cursor().execute("SET GLOBAL debug_checkpoint_abort='before_header'")
    broken = store._engine
    store._fold_at = 1
    store.write(group("b")).result(60)
    store.write(group("c")).result(60)
    assert ids(store) == ["a", "b", "c"]
    assert store._engine is not broken


def test_a_store_that_cannot_be_opened_anew_tries_again_with_each_write(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise Unavailable("the disk is not there")

    Troubled(store, "begin")
    with monkeypatch.context() as patched:
        patched.setattr(store_module, "open_migrated", refuse)
        for name in ("b", "c"):
            with pytest.raises(Unavailable, match="not there"):
                store.write(group(name)).result(60)
    store.write(group("d")).result(60)
    assert ids(store) == ["a", "d"]


def test_writes_go_on_when_a_snapshot_that_saw_the_fatal_error_has_ended(store: Store) -> None:
    # The engine cannot be opened anew while a reader holds the old one: writes wait for it.
    store.write(*(group(f"b{number:04d}") for number in range(4_000))).result(60)
    store._engine.cursor().execute("SET GLOBAL debug_checkpoint_abort='before_header'")
    broken = store._engine
    groups = ibis.table(USER_GROUPS.schema, name="user_groups")
    waiting = []

    def folded_then(transaction: Transaction) -> None:
        store._fold_at = 1  # on the writer's own thread: the fold before this one is over
        transaction.insert(group("c"))

    with suppress(duckdb.ConnectionException), store.snapshot(groups, rows=100) as (_, pieces):
        next(pieces)
        store.write(folded_then).result(60)
        waiting.append(store.write(group("d")))
        del pieces
    for done in waiting:
        done.result(60)
    assert store._engine is not broken
    assert ids(store)[-2:] == ["c", "d"]
    assert len(ids(store)) == 4_003
