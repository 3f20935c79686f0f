"""What is due now: scripts by their schedule, and jobs whose beat was missed. Whoever asks, a clock
inside or one outside, nothing runs twice: what was queued is not due until its next time.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from weakref import WeakKeyDictionary

import structlog

from console.audit import Caller, entry, now
from console.instance import Instance
from console.jobs import scripts
from console.jobs.dispatcher import Dispatcher
from console.jobs.records import CATCH_UP, NOTHING, SCHEDULE, Row, Run
from console.queries import jobs as questions
from console.queries.scripts import PREFIX, listing
from schema.errors import AgnesError, Conflict
from schema.policy import Principal

log = structlog.get_logger(__name__)

_LOCKS: WeakKeyDictionary[Dispatcher, asyncio.Lock] = WeakKeyDictionary()
_BAD = ("failed", "cancelled")


@dataclass
class Found:
    """What became of all that was due: `ran` and `failed` are `{name, run_id, status, error}`,
    `skipped` are `{name, reason}`. `ran` also holds those that still go on."""

    ran: list[Row] = field(default_factory=list)
    skipped: list[Row] = field(default_factory=list)
    failed: list[Row] = field(default_factory=list)

    @property
    def told(self) -> dict[str, Any]:
        """For the audit log: names, none of what they said."""
        lists = {"ran": self.ran, "skipped": self.skipped, "failed": self.failed}
        return {name: [row["name"] for row in rows] or None for name, rows in lists.items()}


async def run_due(instance: Instance, *, wait: float, jobs: bool = True) -> Found:
    """Begin all that is due, then wait for its end, at most `wait` seconds. `jobs`: also those of
    the schedule, whose beat a clock that stands still has missed."""
    found = Found()
    lock = _LOCKS.setdefault(instance.jobs, asyncio.Lock())
    async with lock:  # who asks meanwhile finds that all of it was queued
        at = now()
        begun = await _begin_scripts(instance, at, found)
        if jobs:
            begun += await _begin_jobs(instance, at, found)
    await instance.jobs.ends(begun, wait)
    for run in begun:
        row = await instance.jobs.row(run.id)
        one = {"name": run.job, "run_id": run.id, "status": row["status"], "error": row["error"]}
        (found.failed if row["status"] in _BAD else found.ran).append(one)
    return found


async def beat(instance: Instance) -> None:
    """The server's own clock: scripts only, since jobs have beats of their own. It writes a row
    where something was due, and none for nothing."""
    caller = Caller(Principal("", kind="scheduler", service=True), "scheduler")
    try:
        found = await run_due(instance, wait=0, jobs=False)
    except Exception as error:  # the next beat comes in a minute
        log.exception("scripts could not be begun")
        instance.posthog.swallowed(error)
        return
    if any(found.told.values()):
        await instance.record(entry(caller, "script_runner.tick", params=found.told))


async def _begin_scripts(instance: Instance, at: datetime, found: Found) -> list[Run]:
    store, begun = instance.store, []
    for row in await store.offload(store.rows, listing):
        if not scripts.due(row, at):
            continue
        name = PREFIX + row["name"]
        if not row["owner_active"]:
            reason = f"its owner {row['owner_email'] or row['owner']} is deactivated"
            await instance.jobs.passed_over(name, reason)
            found.skipped.append({"name": name, "reason": reason})
            continue
        try:
            job = await store.offload(scripts.job_of, instance.settings, row)
            begun.append(await instance.jobs.begin(job))
        except Conflict as error:
            await instance.jobs.passed_over(name, error.message)  # else it is told each minute
            found.skipped.append({"name": name, "reason": error.message})
        except AgnesError as error:
            await instance.jobs.passed_over(name, error.message)
            one = {"name": name, "run_id": None, "status": "failed", "error": error.message}
            found.failed.append(one)
    return begun


async def _begin_jobs(instance: Instance, at: datetime, found: Found) -> list[Run]:
    store, begun = instance.store, []
    last = {row["job_name"]: row["queued_at"] for row in await store.offload(_latest, store)}
    for name, job in instance.jobs.jobs.items():
        if not job.missed(last.get(name), at):
            continue
        run = await instance.jobs.tick(name, CATCH_UP if name in last else SCHEDULE)
        row = await instance.jobs.row(run.id)
        if row["status"] == "skipped":
            found.skipped.append({"name": name, "reason": row["error"] or NOTHING})
        else:
            begun.append(run)
    return begun


def _latest(store: Any) -> list[Row]:
    rows: list[Row] = store.rows(questions.latest)
    return rows
