"""The clock: APScheduler inside the server's event loop, one beat a job.

It starts once the socket is open, and only asks the dispatcher. Beats that passed while no server
ran are caught up once.
"""

from __future__ import annotations

import logging
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Any

from console.audit import now
from console.jobs.records import CATCH_UP, SCHEDULE
from console.jobs.schedule import APART
from console.queries import jobs as questions

if TYPE_CHECKING:
    from console.instance import Instance

SOON = timedelta(seconds=10)  # after the start, when the first pages have been served


class Scheduler:
    """`start` and `stop` it in the event loop that it is to live in."""

    def __init__(self, instance: Instance) -> None:
        from apscheduler.schedulers.asyncio import AsyncIOScheduler

        logging.getLogger("apscheduler").setLevel(logging.WARNING)  # not a line for each beat
        self._instance = instance
        # However late a beat comes, it comes once.
        options = {"coalesce": True, "misfire_grace_time": None, "max_instances": 1}
        self._clock: Any = AsyncIOScheduler(timezone=UTC, job_defaults=options)

    async def start(self) -> None:
        instance, at = self._instance, now()
        store, tick = instance.store, instance.jobs.tick
        found = await store.offload(store.rows, questions.latest)
        last = {row["job_name"]: row["queued_at"] for row in found}
        late = 0
        for name, job in instance.jobs.jobs.items():
            if (beat := job.trigger()) is not None:
                self._clock.add_job(tick, beat, args=[name])
            if job.missed(last.get(name), at):
                once = (at + SOON + late * timedelta(seconds=APART)).replace(tzinfo=UTC)
                trigger = CATCH_UP if name in last else SCHEDULE
                self._clock.add_job(tick, "date", run_date=once, args=[name, trigger])
                late += 1
        self._clock.start()

    def stop(self) -> None:
        if self._clock.running:
            self._clock.shutdown(wait=False)
