"""Questions about runs of jobs. Each gives a table of `job_runs`."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from ingest import pending
from schema.bind import At
from schema.table import rows_of
from schema.tables import JOB_RUNS, ROLLUP_DAYS, SESSION_PROCESSOR_STATE

ACTIVE = ("queued", "running")
OVER = ("ok", "failed", "cancelled")
STATUSES = (*ACTIVE, *OVER, "skipped")


def runs(job: str | None = None, status: str | None = None) -> ir.Table:
    """Runs, newest first."""
    found = rows_of(JOB_RUNS)
    if job is not None:
        found = found.filter(found.job_name == job)
    if status is not None:
        found = found.filter(found.status == status)
    rows: ir.Table = found.order_by([ibis.desc("queued_at"), ibis.desc("id")])
    return rows


def page(job: str | None, status: str | None, limit: int, offset: int) -> ir.Table:
    """Some of these runs."""
    return runs(job, status).limit(limit, offset=offset)


def total(job: str | None, status: str | None) -> ir.Table:
    """`total`: how many these runs are."""
    return runs(job, status).aggregate(total=lambda rows: rows.count())


def run(id: str) -> ir.Table:
    """The run with this id, or none."""
    found = rows_of(JOB_RUNS)
    rows: ir.Table = found.filter(found.id == id)
    return rows


def latest() -> ir.Table:
    """The newest run of each job, and its newest beat that was passed over."""
    found = rows_of(JOB_RUNS)
    kinds = [found.job_name, found.status == "skipped"]
    order = [ibis.desc(found.queued_at), ibis.desc(found.id)]
    place = ibis.row_number().over(group_by=kinds, order_by=order)
    rows: ir.Table = found.mutate(place=place).filter(ibis._.place == 0).drop("place")
    return rows.order_by("queued_at")


def unfinished() -> ir.Table:
    """Runs that were queued or running when the server stopped, in their order."""
    found = rows_of(JOB_RUNS)
    rows: ir.Table = found.filter(found.status.isin(ACTIVE)).order_by(["queued_at", "id"])
    return rows


def beyond(job: str, kept: int, most: int) -> ir.Table:
    """`id` of `most` runs of `job` that are older than its newest `kept`."""
    return page(job, None, most, kept).select("id")


def days_to_roll_up() -> ir.Table:
    """`waiting`: how many days' figures are to be made anew."""
    days = rows_of(ROLLUP_DAYS)
    rows: ir.Table = days.aggregate(waiting=days.count())
    return rows


def recent(kept: int) -> ir.Table:
    """The newest `kept` runs of each job that are over, newest first; what was passed over is no
    run."""
    found = rows_of(JOB_RUNS)
    over = found.filter(found.status.isin(OVER))
    order = [ibis.desc(over.queued_at), ibis.desc(over.id)]
    place = ibis.row_number().over(group_by=over.job_name, order_by=order)
    rows: ir.Table = over.mutate(place=place).filter(ibis._.place < kept).drop("place")
    return rows.order_by([ibis.desc("queued_at"), ibis.desc("id")])


def failing(name: str, version: int) -> ir.Table:
    """`failing`: how many sessions the processor `name` has failed at often enough. It is asked
    before `set_aside`, which looks at every session."""
    states = rows_of(SESSION_PROCESSOR_STATE)
    mine = states.filter(states.processor_name == name, states.processor_version == version)
    often = mine.error.notnull() & (mine.attempts >= pending.ATTEMPTS)
    rows: ir.Table = mine.aggregate(failing=mine.count(where=often))
    return rows


def set_aside(name: str, version: int, moment: At, most: int) -> ir.Table:
    """Up to `most` sessions that the processor `name` has given up, newest first: `session_file,
    user_id, username, uploaded_at, attempts, error`."""
    every = pending.standing(name, version, moment)
    found = every.filter(every.is_set_aside)
    found = found.order_by([ibis.desc("uploaded_at"), "session_file"]).limit(most)
    return found.select("session_file", "user_id", "username", "uploaded_at", "attempts", "error")
