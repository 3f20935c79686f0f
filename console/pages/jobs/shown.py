"""One reading of the jobs for one state: everything the regions need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from console.jobs.failed_cell import FailedCell
from console.pages.jobs.state import JobsState
from console.queries.jobs import ACTIVE
from schema.errors import AgnesError

Row = dict[str, Any]
GOING, LATER = 2000, 1500  # milliseconds: between two looks at a run; after a beat, for its row


@dataclass(frozen=True)
class Opened:
    """One run with what it left: the cell it failed at, the last lines of its log while it goes
    on; `others` of its job, the newest first, to compare it with."""

    row: Row
    cell: FailedCell | None
    log: str
    others: list[Row] = field(default_factory=list)


@dataclass(frozen=True)
class Shown:
    """`curve`: the newest runs of the job that is looked at, the oldest first; `form`: the fields
    of the form that is open; `compared`: two runs; `scripts` that people have registered."""

    state: JobsState
    jobs: list[Row]
    recent: Mapping[str, list[Row]]
    aside: list[Row]
    runs: Row | None
    run: Opened | None
    error: AgnesError | None
    at: datetime
    curve: list[Row] = field(default_factory=list)
    form: Row | None = None
    compared: Row | None = None
    scripts: list[Row] = field(default_factory=list)

    @property
    def failed(self) -> list[Row]:
        """The newest run that is over of each job where it failed."""
        newest = (self.recent[job["name"]][0] for job in self.jobs if job["name"] in self.recent)
        return [run for run in newest if run["status"] == "failed"]

    @property
    def fresh(self) -> int:
        """How many jobs have not run yet."""
        return sum(1 for job in self.jobs if job["name"] not in self.recent)

    @property
    def going(self) -> list[Row]:
        return [job for job in self.jobs if job["running"]]

    @property
    def next(self) -> Row | None:
        """The job whose beat comes next."""
        due = [job for job in self.jobs if job["next_run"]]
        return min(due, key=lambda job: job["next_run"], default=None)

    @property
    def again(self) -> int | None:
        """After how many milliseconds something can be different; None for never."""
        if self.going or (self.run and self.run.row["status"] in ACTIVE):
            return GOING
        if self.next is None:
            return None
        until = (self.next["next_run"] - self.at).total_seconds()
        return max(GOING, round(until * 1000) + LATER)
