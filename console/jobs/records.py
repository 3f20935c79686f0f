"""The rows of runs: what is written when a run is asked for, begins, ends, is passed over.

Each function gives the steps of one write: the run's row together with its audit row, and for a
failure the notices to the admins. Nothing else writes to `job_runs`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

import orjson

from console import links
from console.audit import Caller, cut, entry, new_id, now
from console.jobs.kept import Place
from console.jobs.runner import Outcome
from ingest.redact import redact
from schema.policy import Principal
from schema.store import Step
from schema.table import rows_of
from schema.tables import JOB_RUNS, NOTIFICATIONS, USERS
from schema.transaction import Rows, Transaction

Row: TypeAlias = dict[str, Any]

SCHEDULE, CATCH_UP, ASKED, RETRY = "schedule", "catch_up", "asked", "retry"
STOPPED = "the server stopped"
NOTHING = "nothing pending"
_RESULTS = {"ok": "success", "failed": "error.job_failed", "skipped": "skipped", "cancelled": None}
_ERROR_LIMIT = 1000


@dataclass(frozen=True)
class Run:
    """One run. `asked_by` is the id of the person who asked for it, None for the scheduler."""

    job: str
    trigger: str = SCHEDULE
    parameters: Mapping[str, Any] = field(default_factory=dict)
    attempt: int = 1
    asked_by: str | None = None
    id: str = field(default_factory=new_id)
    queued_at: datetime = field(default_factory=now)

    @classmethod
    def of(cls, row: Row) -> Run:
        return cls(
            job=row["job_name"],
            trigger=row["trigger"] or SCHEDULE,
            parameters=orjson.loads(row["parameters"] or "{}"),
            attempt=row["attempt"] or 1,
            asked_by=row["requested_by"],
            id=row["id"],
            queued_at=row["queued_at"],
        )

    @property
    def row(self) -> Row:
        return {
            "id": self.id,
            "job_name": self.job,
            "trigger": self.trigger,
            "requested_by": self.asked_by,
            "parameters": orjson.dumps(self.parameters).decode(),
            "queued_at": self.queued_at,
            "attempt": self.attempt,
            "correlation_id": self.id,
        }

    @property
    def told(self) -> Row:
        """What the audit log says of it in any case."""
        return {
            "job": self.job,
            "run_id": self.id,
            "trigger": self.trigger,
            "attempt": self.attempt,
        }

    def as_scheduler(self, started: float | None = None) -> Caller:
        """Who does it: the scheduler, for the person who asked if one did. `started` is
        `time.perf_counter()` at its beginning."""
        who = Principal(self.asked_by or "", kind="scheduler", service=True)
        return Caller(who, "scheduler", correlation_id=self.id, started=started)


def asked(run: Run, caller: Caller | None, **more: Any) -> tuple[Step, ...]:
    """A run is queued; by a person's request, if `caller` is one."""
    queued = Rows(JOB_RUNS, [{**run.row, "status": "queued"}])
    if caller is None:
        return (queued,)
    params = {**run.told, "parameters": run.parameters or None, **more}
    return queued, entry(caller, f"run_job:{run.job}", resource=f"job:{run.job}", params=params)


def begun(run: Run) -> Callable[[Transaction], None]:
    def step(transaction: Transaction) -> None:
        values = {"status": "running", "started_at": now()}
        transaction.update(JOB_RUNS, {"id": run.id}, values)

    return step


def skipped(run: Run, reason: str, *, audited: bool) -> tuple[Step, ...]:
    """A beat without a run; its row says why in `error`, where it was more than having nothing to
    do. Only the latest of a job is kept: idle days leave one row."""
    error = None if reason == NOTHING else cut(reason, _ERROR_LIMIT)
    row = {**run.row, "status": "skipped", "finished_at": now(), "error": error}

    def replace(transaction: Transaction) -> None:
        transaction.delete(JOB_RUNS, {"job_name": run.job, "status": "skipped"})
        transaction.insert(Rows(JOB_RUNS, [row]))

    said = _said(run, "skipped", {"reason": reason}, None)
    return (replace, said) if audited else (replace,)


def ended(
    run: Run, status: str, outcome: Outcome, *, place: Place | None, started: float | None
) -> tuple[Step, ...]:
    """A run is over: ok, failed or cancelled. `place` is where something of it was kept."""
    error = cut(redact(outcome.error), _ERROR_LIMIT) if outcome.error else None
    values = {
        "status": status,
        "finished_at": now(),
        "error": error,
        "output_path": place and place.output,
    }
    told = {"error": error, "cell": outcome.cell, "output": place and place.output}

    def step(transaction: Transaction) -> None:
        if status == "failed":
            _notify(transaction, run, error or "")
        transaction.update(JOB_RUNS, {"id": run.id}, values)

    return step, _said(run, status, told, started)


def forgotten(ids: Sequence[str]) -> Callable[[Transaction], None]:
    def step(transaction: Transaction) -> None:
        for id in ids:
            transaction.delete(JOB_RUNS, {"id": id})

    return step


def _said(run: Run, status: str, more: Row, started: float | None) -> Rows:
    caller = run.as_scheduler(started)
    outcome = _RESULTS[status]
    params = {**run.told, "status": status, **more}
    return entry(
        caller, f"run_job:{run.job}", resource=f"job:{run.job}", params=params, result=outcome
    )


def _notify(transaction: Transaction, run: Run, error: str) -> None:
    """Tell each admin, unless the run before failed in the same way: a job that fails every ten
    minutes is one piece of news."""
    runs, users = rows_of(JOB_RUNS), rows_of(USERS)
    others = runs.filter(runs.job_name == run.job, runs.finished_at.notnull(), runs.id != run.id)
    before = others.filter(others.status != "skipped").order_by(runs.finished_at.desc()).limit(1)
    if [(row["status"], row["error"]) for row in transaction.read(before)] == [("failed", error)]:
        return
    admins = transaction.read(users.filter(users.is_admin, users.is_active).select("id"))
    notice = {
        "created_at": now(),
        "channel": "console",
        "subject": cut(f"job {run.job} failed: {error}"),
        "state": "new",
        "kind": "job.failed",
        "about": f"run:{run.id}",
        "link": links.href("run", run.id),
    }
    rows = [{"id": new_id(), "user_id": admin["id"], **notice} for admin in admins]
    transaction.insert(Rows(NOTIFICATIONS, rows))
