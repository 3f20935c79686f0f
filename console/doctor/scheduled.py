"""What runs by itself: the schedule can be read, its notebooks are there, and they can run."""

from __future__ import annotations

from importlib.util import find_spec

from console.doctor.patient import Diagnosis, Patient
from console.jobs.schedule import read
from console.queries.jobs import recent
from schema.errors import AgnesError

_OFTEN = 3  # runs that failed one after another


def schedules(patient: Patient) -> Diagnosis:
    """A job that fails again and again is told, one failure alone is not: it was notified."""
    settings = patient.settings
    if settings is None:
        return Diagnosis("schedules", "ok", "jobs are looked at where the settings are known")
    try:
        jobs = read(settings)
    except AgnesError as error:
        mend = error.detail or "Correct the file; notebooks/README.md says how it is written."
        return Diagnosis("schedules", "severe", error.message, mend)
    gone = [str(job.notebook) for job in jobs.values() if not job.notebook.is_file()]
    if gone:
        mend = "Put the notebooks there, or take their jobs out of schedule.toml."
        return Diagnosis("schedules", "severe", f"there is no {', no '.join(gone)}", mend)
    if jobs and find_spec("papermill") is None:
        mend = "pip install 'agnes-console[server,lab]'"
        return Diagnosis("schedules", "severe", "no notebook can run: no papermill here", mend)
    failing = _failing(patient)
    if failing:
        mend = "`agnes jobs logs JOB` and /admin/jobs show the cell that failed."
        message = f"the last {_OFTEN} runs failed: {', '.join(failing)}"
        return Diagnosis("schedules", "warning", message, mend)
    how = "by themselves" if settings.jobs else "only on demand (AGNES_JOBS is 0)"
    return Diagnosis("schedules", "ok", f"{len(jobs)} jobs run {how}")


def _failing(patient: Patient) -> list[str]:
    if patient.store is None:
        return []
    ended: dict[str, list[str]] = {}
    for row in patient.store.rows(recent, _OFTEN):
        ended.setdefault(row["job_name"], []).append(row["status"])
    return sorted(job for job, states in ended.items() if states == ["failed"] * _OFTEN)
