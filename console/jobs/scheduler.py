"""The clock: APScheduler inside the server's event loop, one beat a job.

It starts once the socket is open, and only asks the dispatcher. Beats that passed while no server
ran are caught up once.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Any

from console.audit import now
from console.jobs import due
from console.jobs.records import CATCH_UP, SCHEDULE
from console.jobs.schedule import APART, Job
from console.queries import jobs as questions

if TYPE_CHECKING:
    from console.instance import Instance

SOON = timedelta(seconds=10)  # after the start, when the first pages have been served
_SCRIPTS = 60  # seconds between two looks at which scripts are due
_LOOK = 0.5  # seconds between two looks at whether a setting has changed


class Scheduler:
    """`start` and `stop` it in the event loop that it is to live in."""

    def __init__(self, instance: Instance) -> None:
        from apscheduler.schedulers.asyncio import AsyncIOScheduler

        logging.getLogger("apscheduler").setLevel(logging.WARNING)  # not a line for each beat
        self._instance = instance
        # However late a beat comes, it comes once.
        options = {"coalesce": True, "misfire_grace_time": None, "max_instances": 1}
        self._clock: Any = AsyncIOScheduler(timezone=UTC, job_defaults=options)
        self._beats: dict[str, tuple[int | None, str | None]] = {}
        self._following: asyncio.Task[None] | None = None

    async def start(self) -> None:
        from apscheduler.triggers.interval import IntervalTrigger

        instance, at = self._instance, now()
        store, tick = instance.store, instance.jobs.tick
        found = await store.offload(store.rows, questions.latest)
        last = {row["job_name"]: row["queued_at"] for row in found}
        late = 0
        for name, job in instance.jobs.jobs.items():
            self._beat(job)
            if job.missed(last.get(name), at):
                once = (at + SOON + late * timedelta(seconds=APART)).replace(tzinfo=UTC)
                trigger = CATCH_UP if name in last else SCHEDULE
                self._clock.add_job(tick, "date", run_date=once, args=[name, trigger])
                late += 1
        every = IntervalTrigger(seconds=_SCRIPTS, timezone=UTC)
        self._clock.add_job(due.beat, every, args=[instance], id="scripts")
        self._clock.start()
        self._following = asyncio.create_task(self._follow())

    def _beat(self, job: Job) -> None:
        """Let it tick as its trigger says, and no more as an earlier one said."""
        if self._clock.get_job(job.name):
            self._clock.remove_job(job.name)
        if (beat := job.trigger()) is not None:
            self._clock.add_job(self._instance.jobs.tick, beat, args=[job.name], id=job.name)
        self._beats[job.name] = (job.every, job.cron)

    async def _follow(self) -> None:
        """Take over intervals that are changed while it runs. It looks at a number in memory."""
        settings, jobs = self._instance.settings, self._instance.jobs
        seen = settings.changes
        while True:
            await asyncio.sleep(_LOOK)
            if settings.changes == seen:
                continue
            seen = settings.changes
            for job in jobs.jobs.values():
                if self._beats.get(job.name) != (job.every, job.cron):
                    self._beat(job)

    def stop(self) -> None:
        if self._following is not None:
            self._following.cancel()
        if self._clock.running:
            self._clock.shutdown(wait=False)
