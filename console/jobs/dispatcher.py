"""Decides about runs: which may begin, which wait, which end, and records each.

At most one run of a job, at most AGNES_JOB_CONCURRENCY runs at once, first come first served. It
belongs to the server's event loop; nothing here blocks.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import structlog

from console.audit import Caller, RecentReads, entry
from console.jobs import asks, kept, records, scripts
from console.jobs.kept import Place
from console.jobs.records import NOTHING, SCHEDULE, STOPPED, Row, Run
from console.jobs.runner import GRACE, Order, Outcome, Processes, Runner
from console.jobs.schedule import Job, read
from console.queries import jobs as questions
from console.queries.scripts import PREFIX
from schema.errors import AgnesError, Conflict, NotFound, Unavailable, shorten

if TYPE_CHECKING:
    from console.instance import Instance

log = structlog.get_logger(__name__)

# Of a job's beats without work the log gets one in this time: the pulse sees the scheduler alive,
# and the log is not full of nothing.
QUIET = timedelta(minutes=15)
_FORGOTTEN = 100  # old runs deleted after one run, at most: each costs the writer 0.2 ms


@dataclass
class Active:
    """A run that waits or goes on. `stop` ends it, and `ending` is then its status."""

    run: Run
    job: Job
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    ending: str = "failed"
    over: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None


class Dispatcher:
    """All runs of one server. `open` once its socket is, `close` before it ends."""

    def __init__(self, instance: Instance, runner: Runner | None = None) -> None:
        self._instance = instance
        self._read_at = instance.settings.changes
        self._jobs: dict[str, Job] = read(instance.settings)
        self._runner = runner or Processes()
        self._active: dict[str, Active] = {}  # job name -> its run, in the order they came
        self._quiet = RecentReads(memory=QUIET)
        self._url: str | None = None

    @property
    def jobs(self) -> dict[str, Job]:
        """Every job, by name; their intervals as the settings have them now."""
        changes = self._instance.settings.changes
        if changes != self._read_at:
            self._read_at = changes
            try:
                self._jobs = read(self._instance.settings)
            except AgnesError as error:  # the file was broken after the start: it goes on as it was
                log.warning("the schedule stays as it was", reason=error.message)
        return self._jobs

    async def open(self, url: str) -> None:
        """Begin: `url` is where kernels find this server. What an earlier one left running has
        failed; what waited there waits here."""
        self._url = url
        store = self._instance.store
        await store.offload(kept.sweep, self._instance.settings.folder)
        for row in await store.offload(store.rows, questions.unfinished):
            run, job = Run.of(row), await self._known(row["job_name"])
            if row["status"] == "queued" and job and job.name not in self._active:
                self._active[job.name] = Active(run, job)
            else:
                await self._end(run, "failed", Outcome("failed", STOPPED), None)
        self._begin()

    async def close(self) -> None:
        """Stop what runs; what waits stays queued for the next server."""
        self._url = None
        going = [active for active in self._active.values() if active.task]
        for active in going:
            active.stop.set()
        tasks = [active.task for active in going if active.task]
        if tasks:
            await asyncio.wait(tasks, timeout=2 * GRACE)

    # -- what is asked of it

    async def ask(
        self,
        caller: Caller,
        name: str,
        parameters: Mapping[str, Any],
        *,
        trigger: str = records.ASKED,
        attempt: int = 1,
        **told: Any,
    ) -> Run:
        """Queue a run for a person. Raises NotFound, BadParameter, Unavailable, and Conflict, also
        for a script whose owner is deactivated; `told` is for the audit row."""
        job = await self.job_of(name)
        if job.owner is not None:
            store = self._instance.store
            await store.offload(scripts.may_run, store, job.owner)
        run = Run(name, trigger, job.checked(parameters), attempt, caller.me.user_id)
        await self._queue(job, run, caller, **told)
        return run

    async def retry(self, caller: Caller, id: str) -> Run:
        """A new run with the parameters of an old one."""
        old = Run.of(await self.row(id))
        return await self.ask(
            caller,
            old.job,
            old.parameters,
            trigger=records.RETRY,
            attempt=old.attempt + 1,
            retry_of=id,
        )

    async def cancel(self, caller: Caller, id: str) -> Row:
        """End a run that waits or goes on; its row, as it is then or will soon be. Raises NotFound,
        and Conflict for a run that is over."""
        row = await self.row(id)
        active = self._active.get(row["job_name"])
        if active is None or active.run.id != id:
            raise Conflict(f"this run is over: {row['status']}", detail="Only a new run can begin.")
        said = entry(
            caller,
            "job.cancel",
            resource=f"job:{active.job.name}",
            params={"run_id": id, "status": row["status"]},
            before={"status": row["status"]},
        )
        await self._instance.store.awrite(said)
        active.ending = "cancelled"
        active.stop.set()
        if active.task is None and self._active.get(active.job.name) is active:
            del self._active[active.job.name]
            await self._end(active.run, "cancelled", Outcome("stopped"), None)
            active.over.set()
        return await self.row(id)

    async def tick(self, name: str, trigger: str = SCHEDULE) -> Run:
        """A beat of a job: a run if there is work and none goes on, else a row that says why not.
        A beat that fails is a failed run."""
        job, run = self.jobs[name], Run(name, trigger, self.jobs[name].parameters)
        try:
            if await asks.pending(self._instance, job) == 0:
                await self._skip(run, NOTHING)
            else:
                await self._queue(job, run, None)
        except Conflict as error:
            await self._skip(run, error.message)
        except Exception as error:
            log.exception("a beat failed", job=name)
            self._instance.posthog.swallowed(error)
            reason = error.message if isinstance(error, AgnesError) else repr(error)
            failed = Outcome("failed", f"cannot tell what is pending: {reason}")
            await self._instance.store.awrite(*records.asked(run, None))
            await self._end(run, "failed", failed, None)
        return run

    async def begin(self, job: Job, trigger: str = SCHEDULE) -> Run:
        """Queue a run of a script that is due. Raises Conflict while it has one, Unavailable."""
        run = Run(job.name, trigger, job.parameters)
        await self._queue(job, run, None)
        return run

    async def passed_over(self, name: str, reason: str) -> None:
        """A script that is due does not run, and this is why."""
        await self._skip(Run(name), reason)

    async def ends(self, runs: Collection[Run], seconds: float) -> None:
        """Wait until these runs are over, at most so long."""
        ids = {run.id for run in runs}
        going = [active for active in self._active.values() if active.run.id in ids]
        waits = [asyncio.ensure_future(active.over.wait()) for active in going]
        if waits:
            _, late = await asyncio.wait(waits, timeout=seconds)
            for wait in late:
                wait.cancel()

    async def job_of(self, name: str) -> Job:
        """The job or the script whose runs have this name. Raises NotFound, and BadParameter for a
        script whose file is gone."""
        if not name.startswith(PREFIX):
            return self.job(name)
        store, settings = self._instance.store, self._instance.settings
        row = await store.offload(scripts.named, store, name)
        return await store.offload(scripts.job_of, settings, row)

    async def _known(self, name: str) -> Job | None:
        try:
            return await self.job_of(name)
        except AgnesError:
            return None

    def job(self, name: str) -> Job:
        if name not in self.jobs:
            known = ", ".join(self.jobs) or "none is installed"
            raise NotFound(f"no job {shorten(name)}", detail=f"Jobs: {known}.")
        return self.jobs[name]

    def active(self, name: str) -> str | None:
        """The id of the job's run that waits or goes on."""
        return self._active[name].run.id if name in self._active else None

    async def row(self, id: str) -> Row:
        """The run's row. Raises NotFound."""
        store = self._instance.store
        found = (await store.offload(store.read, questions.run(id))).to_pylist()
        if not found:
            raise NotFound(f"no run {shorten(id)}", detail="See `agnes jobs runs`.")
        row: Row = found[0]
        return row

    def place(self, run: Run) -> Place:
        return Place(self._instance.settings.folder, run.job, run.id)

    # -- how it does it

    async def _queue(self, job: Job, run: Run, caller: Caller | None, **told: Any) -> None:
        if self._url is None:
            raise Unavailable("jobs do not run yet, or no more: the server starts or stops")
        if other := self._active.get(job.name):
            raise Conflict(
                f"{job.name} has a run that is not over: {other.run.id}",
                detail="Wait for it, or cancel it.",
            )
        self._active[job.name] = Active(run, job)
        try:
            await self._instance.store.awrite(*records.asked(run, caller, **told))
        except BaseException:
            del self._active[job.name]
            raise
        self._begin()

    def _begin(self) -> None:
        """Start those that wait, as far as there is room."""
        room = self._instance.settings.job_concurrency
        for active in self._active.values():
            if self._url is None or sum(1 for one in self._active.values() if one.task) >= room:
                return
            if active.task is None:
                active.task = asyncio.create_task(self._carry_out(active))

    async def _carry_out(self, active: Active) -> None:
        started = time.perf_counter()
        run, job = active.run, active.job
        passes, store = self._instance.gate.passes, self._instance.store
        try:
            await store.awrite(records.begun(run))
            lifetime = timedelta(seconds=job.timeout + 2 * GRACE)
            secret = passes.issue(run.id, lifetime=lifetime, owner=job.owner)
            order = Order(run.id, job, run.parameters, self.place(run), self._url or "", secret)
            outcome = await self._runner.run(order, active.stop)
            status = outcome.status
            if status == "stopped":
                status = active.ending
                outcome = Outcome("stopped", STOPPED if status == "failed" else None)
            await self._end(run, status, outcome, started)
        except Exception as error:
            log.exception("a run could not be carried out", job=job.name, run=run.id)
            self._instance.posthog.swallowed(error)
            await self._end(run, "failed", Outcome("failed", repr(error)), started)
        finally:
            passes.end(run.id)
            self._instance.claims.end(f"job {run.id}")  # what it did not finish, another one may
            del self._active[job.name]
            active.over.set()
            self._begin()
        await self._forget_old(job)

    async def _end(self, run: Run, status: str, outcome: Outcome, started: float | None) -> None:
        place = self.place(run)
        steps = records.ended(
            run, status, outcome, place=place if place.kept.exists() else None, started=started
        )
        await self._instance.store.awrite(*steps)
        say = log.error if status == "failed" else log.info
        say("job ended", job=run.job, run=run.id, status=status, error=outcome.error)

    async def _skip(self, run: Run, reason: str) -> None:
        audited = self._quiet.first(run.job)
        await self._instance.store.awrite(*records.skipped(run, reason, audited=audited))

    async def _forget_old(self, job: Job) -> None:
        """Delete the runs beyond those that are kept: files first, so that no row is without."""
        store, settings = self._instance.store, self._instance.settings
        beyond = (questions.beyond, job.name, settings.job_runs_kept, _FORGOTTEN)
        old = [row["id"] for row in await store.offload(store.rows, *beyond)]
        for id in old:
            place = Place(settings.folder, job.name, id)
            await store.offload(place.remove)
        if old:
            await store.awrite(records.forgotten(old))
