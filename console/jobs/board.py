"""Jobs and their runs as people read them: the one place for page, API and terminal."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import TYPE_CHECKING

import orjson
import structlog

from console.audit import now
from console.jobs import asks
from console.jobs.compare import compare
from console.jobs.kept import Place
from console.jobs.records import Row
from console.jobs.schedule import Job
from console.queries import jobs as questions
from ingest.pipeline import PROCESSORS
from schema.bind import At
from schema.errors import BadParameter

if TYPE_CHECKING:
    from console.instance import Instance

log = structlog.get_logger(__name__)

SHOWN = 100  # sessions set aside that are listed for each processor


async def overview(instance: Instance) -> list[Row]:
    """Every job: `{name, title, notebook, schedule, interval, cron, timeout_seconds, parameters,
    next_run, pending, running, last_run, last_beat}`. `pending` is None where a job cannot tell;
    `running` is the id of a run that waits or goes on; `last_run` is a run as `runs` gives it;
    `last_beat` is when it last ran or was found to have nothing to do."""
    store, jobs = instance.store, instance.jobs.jobs.values()
    found = await store.offload(store.rows, questions.latest)
    last = {row["job_name"]: shown(instance, row) for row in found if row["status"] != "skipped"}
    beats = {row["job_name"]: row["queued_at"] for row in found}
    waiting = await asyncio.gather(*(_pending(instance, job) for job in jobs))
    at = now() if instance.settings.jobs else None
    return [
        {
            "name": job.name,
            "title": job.title,
            "notebook": job.notebook.name,
            "schedule": beat(job),
            "interval": job.every,
            "cron": job.cron,
            "timeout_seconds": job.timeout,
            "parameters": dict(job.parameters),
            "next_run": at and job.after(at),
            "pending": count,
            "running": instance.jobs.active(job.name),
            "last_run": last.get(job.name),
            "last_beat": beats.get(job.name),
        }
        for job, count in zip(jobs, waiting, strict=True)
    ]


async def runs(
    instance: Instance,
    *,
    job: str | None = None,
    status: str | None = None,
    limit: int = 50,
    offset: int = 0,
) -> Row:
    """Runs, newest first: `{rows, total, limit, offset, next_offset}`. Raises BadParameter for a
    status that does not exist, NotFound for such a job."""
    if status is not None and status not in questions.STATUSES:
        raise BadParameter("status", status, "one of " + ", ".join(questions.STATUSES))
    store = instance.store

    def found() -> tuple[int, list[Row]]:
        (counted,) = store.rows(questions.total, job, status)
        rows = store.rows(questions.page, job, status, limit, offset)
        return counted["total"], [shown(instance, row) for row in rows]

    total, rows = await store.offload(found)
    after = offset + limit
    following = after if after < total else None
    return {
        "rows": rows,
        "total": total,
        "limit": limit,
        "offset": offset,
        "next_offset": following,
    }


async def run(instance: Instance, id: str) -> Row:
    """One run, with the names of its kept files in `files`. Raises NotFound."""
    row = await instance.jobs.row(id)
    files = await instance.store.offload(place(instance, row).files)
    return {**shown(instance, row), "files": files}


async def compared(instance: Instance, one: str, other: str) -> Row:
    """Two runs beside each other, as `compare.compare` says. Raises NotFound, BadRequest."""
    rows = [await instance.jobs.row(id) for id in (one, other)]
    places = [place(instance, row) for row in rows]
    left, right = (shown(instance, row) for row in rows)
    return await instance.store.offload(compare, left, right, places)


async def recent(instance: Instance, most: int) -> dict[str, list[Row]]:
    """The newest `most` runs of each job that are over, newest first."""
    found: dict[str, list[Row]] = {}
    for row in await instance.store.offload(instance.store.rows, questions.recent, most):
        found.setdefault(row["job_name"], []).append(shown(instance, row))
    return found


def set_aside(instance: Instance) -> list[Row]:
    """Sessions that a processor has given up until they change or somebody asks: `{session_file,
    user_id, username, uploaded_at, processor, attempts, error}`. Blocks."""
    store, found = instance.store, []
    for name, processor in PROCESSORS.items():
        asked = name, processor.version
        if store.rows(questions.failing, *asked)[0]["failing"]:
            rows = store.rows(questions.set_aside, *asked, At(now()), SHOWN)
            found += [{**row, "processor": name} for row in rows]
    return found


def shown(instance: Instance, row: Row) -> Row:
    """A row of `job_runs` as it goes out: parameters as an object, its length, who asked."""
    people = instance.people.all()
    person = people.get(row["requested_by"])
    return {
        "id": row["id"],
        "job": row["job_name"],
        "status": row["status"],
        "trigger": row["trigger"],
        "requested_by": row["requested_by"],
        "requested_email": person.email if person else None,
        "parameters": orjson.loads(row["parameters"] or "{}"),
        "attempt": row["attempt"],
        "queued_at": row["queued_at"],
        "started_at": row["started_at"],
        "finished_at": row["finished_at"],
        "duration_ms": _milliseconds(row["started_at"], row["finished_at"]),
        "error": row["error"],
        "output_path": row["output_path"],
        "correlation_id": row["correlation_id"],
    }


def place(instance: Instance, row: Row) -> Place:
    return Place(instance.settings.folder, row["job_name"], row["id"])


def beat(job: Job) -> str:
    """When it runs, in words."""
    if job.every is None:
        return f"cron {job.cron} (UTC)"
    for seconds, unit in ((86400, "d"), (3600, "h"), (60, "min"), (1, "s")):
        if job.every and job.every % seconds == 0:
            return f"every {job.every // seconds} {unit}"
    return "never by itself"


async def _pending(instance: Instance, job: Job) -> int | None:
    try:
        return await asks.pending(instance, job)
    except Exception as error:  # a board with one gap is better than none
        log.exception("an ask failed", job=job.name)
        instance.posthog.swallowed(error)
        return None


def _milliseconds(start: datetime | None, end: datetime | None) -> int | None:
    return None if start is None or end is None else round((end - start).total_seconds() * 1000)
