"""An instance with jobs, without a server: what the tests of the dispatcher and the scheduler
share. A `Puppet` stands in for the processes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from console.audit import Caller, new_id, now
from console.identity.gate import Gate
from console.identity.people import People
from console.instance import Instance
from console.jobs.dispatcher import Dispatcher
from console.jobs.runner import Order, Outcome
from console.metrics import Metrics
from console.settings import Settings
from schema.policy import Principal
from schema.store import Store
from schema.table import Table, rows_of
from schema.tables import AUDIT_LOG, JOB_RUNS, NOTIFICATIONS, USERS
from schema.transaction import Rows

SCHEDULE = """
[tidy]
title = "Tidy up"
notebook = "tidy.ipynb"
every_seconds = 600
timeout_seconds = 30
parameters = { days = 7, deep = false, names = [], share = 0.5 }
[sweep]
title = "Sweep"
notebook = "sweep.ipynb"
every_seconds = 600
timeout_seconds = 30
asks = "sync_tables"
[nightly]
title = "Nightly"
notebook = "nightly.ipynb"
cron = "15 3 * * *"
timeout_seconds = 30
"""
URL = "http://127.0.0.1:1"


def notebooks(folder: Path, schedule: str = SCHEDULE) -> str:
    """A folder of notebooks; its path, as the setting AGNES_NOTEBOOKS has it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "schedule.toml").write_text(schedule)
    return str(folder)


@contextmanager
def opened(folder: Path, **settings: str) -> Iterator[Instance]:
    given = {"AGNES_NOTEBOOKS": notebooks(folder / "notebooks"), **settings}
    made = Settings({}, AGNES_DATA_DIR=str(folder / "data"), **given)
    made.folder.mkdir(parents=True, exist_ok=True)
    store = Store(made.database, threads=1)
    try:
        yield Instance(made, store, Gate(store, b"key"), People(store), Metrics(store))
    finally:
        store.close()


class Puppet:
    """Runs nothing: each run goes on until the test says how it ends, or until it is stopped."""

    def __init__(self, instance: Instance, *ends: Outcome) -> None:
        self.orders: list[Order] = []
        self.found: list[bool] = []  # whether the pass held while its run went on
        self.ends = list(ends)  # outcomes to give at once
        self._instance = instance
        self._free: asyncio.Queue[Outcome] = asyncio.Queue()

    async def run(self, order: Order, stop: asyncio.Event) -> Outcome:
        self.orders.append(order)
        self.found.append(self._instance.gate.passes.find(order.secret) is not None)
        if self.ends:
            return self.ends.pop(0)
        free = asyncio.ensure_future(self._free.get())
        stopped = asyncio.ensure_future(stop.wait())
        done, _ = await asyncio.wait({free, stopped}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        free.cancel()
        return free.result() if free in done else Outcome("stopped")

    def end(self, outcome: Outcome | None = None) -> None:
        """Let the run that waited longest end."""
        self._free.put_nowait(outcome or Outcome("ok"))

    @property
    def names(self) -> list[str]:
        return [order.job.name for order in self.orders]


async def started(instance: Instance, *ends: Outcome) -> tuple[Dispatcher, Puppet]:
    """The instance's dispatcher, open, with a puppet for its processes."""
    puppet = Puppet(instance, *ends)
    instance.jobs = Dispatcher(instance, puppet)
    await instance.jobs.open(URL)
    return instance.jobs, puppet


def person(instance: Instance, *, is_admin: bool = True, is_active: bool = True) -> Caller:
    """Somebody new who asks."""
    id = new_id()
    row = {"id": id, "email": f"{id}@example.org", "is_admin": is_admin, "is_active": is_active}
    instance.store.write(Rows(USERS, [{**row, "created_at": now()}])).result()
    return Caller(Principal(id, is_admin=is_admin, kind="cli"), client_kind="cli")


def rows(instance: Instance, table: Table, **equal: Any) -> list[dict[str, Any]]:
    """Rows with these values, in the order they were made."""
    found = instance.store.read(rows_of(table)).to_pylist()
    found = [row for row in found if all(row[name] == part for name, part in equal.items())]
    return sorted(found, key=lambda row: str(row["id"]))


def runs(instance: Instance, **equal: Any) -> list[dict[str, Any]]:
    return rows(instance, JOB_RUNS, **equal)


def log(instance: Instance, action: str, **equal: Any) -> list[dict[str, Any]]:
    found = rows(instance, AUDIT_LOG, action=action, **equal)
    return [{**row, "params": orjson.loads(row["params"] or "{}")} for row in found]


def notices(instance: Instance) -> list[dict[str, Any]]:
    return rows(instance, NOTIFICATIONS)


def put(instance: Instance, job: str, status: str, at: datetime, **more: Any) -> str:
    """A run of an earlier server; its id."""
    row: Mapping[str, Any] = {
        "id": new_id(),
        "job_name": job,
        "trigger": "schedule",
        "status": status,
        "queued_at": at,
        "attempt": 1,
        **more,
    }
    instance.store.write(Rows(JOB_RUNS, [row])).result()
    return str(row["id"])


async def until(condition: Any) -> None:
    """Wait for what happens in the event loop, at most ten seconds."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 (what is waited for stands in the database)
            await asyncio.sleep(0.005)
