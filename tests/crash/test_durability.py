"""What was acknowledged is there, once and whole, whatever happens to the server or its disk.

Full disks and a failing engine: `test_full_disk.py`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import ibis
import orjson
import pytest

from console.audit import Caller, entry
from schema.policy import Principal
from schema.store import Store
from schema.table import Table
from schema.tables import AUDIT_LOG, USER_GROUPS
from tests.server_process import ServerProcess, admin_token

WRITERS = 8


def rows_of(store: Store, table: Table) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = store.read(ibis.table(table.schema, name=table.name)).to_pylist()
    return found


@contextmanager
def opened(folder: Path) -> Iterator[Store]:
    store = Store(folder / "agnes.duckdb", threads=1)
    try:
        yield store
    finally:
        store.close()


class Writers:
    """Clients that make groups until the server is gone, or until each has made `most`."""

    def __init__(self, server: ServerProcess, token: str, *, prefix: str, most: int) -> None:
        self.made: list[str] = []  # ids of acknowledged groups
        self.refused: list[int] = []  # statuses other than 201
        self._threads = [
            threading.Thread(target=self._write, args=(server, token, f"{prefix}-{number}", most))
            for number in range(WRITERS)
        ]

    def __enter__(self) -> Writers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.finish()

    def finish(self) -> None:
        for thread in self._threads:
            thread.join(60)
        assert not any(thread.is_alive() for thread in self._threads)

    def wait_for(self, count: int) -> None:
        """Until so many were acknowledged, while all still write."""
        until = time.monotonic() + 60
        while len(self.made) < count:
            assert time.monotonic() < until, f"only {len(self.made)} writes were acknowledged"
            time.sleep(0.005)

    def _write(self, server: ServerProcess, token: str, prefix: str, most: int) -> None:
        with server.client(token) as client:
            for turn in range(most):
                try:
                    answer = client.post("/api/admin/groups", json={"name": f"{prefix}-{turn}"})
                except httpx.TransportError:
                    return  # the server is gone
                if answer.status_code != 201:
                    self.refused.append(answer.status_code)
                    return
                self.made.append(answer.json()["id"])


def assert_whole(folder: Path, acknowledged: list[str]) -> None:
    """Each acknowledged group is there once; each group has its audit row, each row its group."""
    with opened(folder) as store:
        groups = [row["id"] for row in rows_of(store, USER_GROUPS)]
        audited = [
            orjson.loads(row["params"])["id"]
            for row in rows_of(store, AUDIT_LOG)
            if row["action"] == "user_groups.create" and row["result"] == "success"
        ]
    assert len(acknowledged) == len(set(acknowledged))
    assert set(acknowledged) <= set(groups)
    assert len(groups) == len(set(groups))
    assert sorted(groups) == sorted(audited)


def test_every_row_of_eight_busy_writers_is_there_once(tmp_path: Path) -> None:
    def write(number: int) -> list[str]:
        caller = Caller(Principal(f"u{number}", is_admin=True), "cli")
        written = []
        for turn in range(1_000):
            rows = entry(caller, "query", params={"turn": turn})
            store.write(rows).result()
            written.append(rows.rows[0]["id"])
        return written

    with opened(tmp_path) as store, ThreadPoolExecutor(WRITERS) as threads:
        acknowledged = [id for some in threads.map(write, range(WRITERS)) for id in some]
    with opened(tmp_path) as store:
        kept = [row["id"] for row in rows_of(store, AUDIT_LOG)]
    assert len(acknowledged) == 8_000
    assert sorted(kept) == sorted(acknowledged)


def test_every_request_of_eight_clients_is_there_once(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with ServerProcess(folder) as server:
        token = admin_token(server)
        with Writers(server, token, prefix="busy", most=60) as writers:
            writers.finish()
        assert writers.refused == []
        assert len(writers.made) == WRITERS * 60
    assert_whole(folder, writers.made)
    with opened(folder) as store:
        assert len(rows_of(store, USER_GROUPS)) == WRITERS * 60


@pytest.mark.parametrize("times", [2, pytest.param(20, marks=pytest.mark.soak)])
def test_a_killed_server_has_lost_nothing_it_acknowledged(tmp_path: Path, times: int) -> None:
    folder = tmp_path / "data"
    server = ServerProcess(folder)
    acknowledged: list[str] = []
    token = ""
    for turn in range(times):
        server.start()
        try:
            token = token or admin_token(server)
            with Writers(server, token, prefix=f"kill{turn}", most=10_000) as writers:
                try:
                    writers.wait_for(40 + 7 * turn)
                finally:
                    kill(server)
        finally:
            kill(server)
        assert writers.refused == []
        acknowledged += writers.made
        assert Path(f"{folder}/agnes.duckdb.wal").stat().st_size > 0  # it had no time to tidy up
        assert_whole(folder, acknowledged)
    with server, server.client(token) as client:
        listed = client.get("/api/admin/groups", params={"limit": 1}).json()
    assert listed["total"] >= len(acknowledged)


def kill(server: ServerProcess) -> None:
    process = server._running()
    process.kill()
    process.wait()


def test_a_server_told_to_stop_finishes_what_it_acknowledged(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    server = ServerProcess(folder)
    with server:
        token = admin_token(server)
        with Writers(server, token, prefix="stop", most=10_000) as writers:
            try:
                writers.wait_for(60)
            finally:
                code = server.stop()
    assert code == 0, server.log()
    assert set(writers.refused) <= {503}
    assert not Path(f"{folder}/agnes.duckdb.wal").exists()
    assert_whole(folder, writers.made)
