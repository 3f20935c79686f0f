"""`/admin/jobs`: what runs when, how it went, and what each run left; files that were set aside.

`JobsState` holds what the reader asked for, all of it in the URL; `JobsPage` reads, renders and
lives. What its buttons do stands in `job_acts`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from console.audit import Caller, now
from console.handler import integer
from console.identity.rights import ADMIN
from console.instance import Instance
from console.jobs import board
from console.jobs.failed_cell import FailedCell, failed_cell
from console.jobs.kept import LINKS
from console.pages import shell, visits
from console.pages.entry import Arrival
from console.pages.render import render
from console.queries.jobs import ACTIVE, STATUSES
from schema.errors import AgnesError, NotFound

Row = dict[str, Any]

READ = "jobs.read"
ROWS = 25
OUTCOMES = 10  # of each job, as bars
GOING, LATER = 2000, 1500  # milliseconds: between two looks at a run; after a beat, for its row
LOG_LINES = 12
REGIONS = ("notice", "pulse", "run", "book", "schedule", "aside", "filters", "rows")


@dataclass(frozen=True)
class JobsState:
    """What the reader has chosen. All of it lives in the URL."""

    given: Mapping[str, str] = field(default_factory=dict)
    offset: int = 0

    @classmethod
    def of(cls, query: str) -> JobsState:
        """The state that a URL's query holds. Raises BadParameter."""
        found = visits.asked(query, ("job", "status", "offset", "run"))
        offset = integer(found, "offset", 0, 0, 10**9)
        return cls({name: text for name, text in found.items() if name != "offset"}, offset)

    @property
    def filter(self) -> dict[str, str]:
        return {name: text for name, text in self.given.items() if name != "run"}

    def url(self, **changes: str | int | None) -> str:
        """The query of this state with `changes` (None takes one out). A changed filter starts at
        the top."""
        offset = None if changes.keys() & {"job", "status"} else self.offset
        wanted = {**self.given, "offset": offset, **changes}
        return visits.url({name: str(text) for name, text in wanted.items() if text})


@dataclass(frozen=True)
class Opened:
    """One run with what it left: the cell it failed at, the last lines of its log while it goes
    on."""

    row: Row
    cell: FailedCell | None
    log: str


@dataclass(frozen=True)
class Shown:
    """One reading of the jobs for one state: everything the regions need."""

    state: JobsState
    jobs: list[Row]
    recent: Mapping[str, list[Row]]
    aside: list[Row]
    runs: Row | None
    run: Opened | None
    error: AgnesError | None
    at: datetime

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


class JobsPage:
    """Reads the state, asks, shows. Decides nothing else."""

    path = "/admin/jobs"
    title = "Jobs"
    about = "scheduled notebooks, their runs, and what each run left"
    section: str | None = "Server"
    shortcut = "g j"
    right = ADMIN
    template = "jobs.html"
    scripts: Sequence[str] = ()
    regions: Sequence[str] = REGIONS

    def at(self, path: str) -> JobsPage:
        return self

    async def arrive(self, instance: Instance, caller: Caller, query: str) -> Arrival:
        """The first paint: regions as HTML, read off the event loop."""
        shown, regions = await self._show(instance, caller, query, beat=False)
        return await shell.arrival(self, instance, caller, regions, shown.error)

    def document(self, instance: Instance) -> Any:
        """A factory for Panel: one `Live` component for each visit."""
        return visits.document(instance)

    async def show(
        self, instance: Instance, caller: Caller, query: str, *, beat: bool
    ) -> Mapping[str, str]:
        shown, regions = await self._show(instance, caller, query, beat=beat)
        if beat and shown.error is None:
            del regions["notice"]  # what an action said stays until the reader goes on
        return regions

    async def _show(
        self, instance: Instance, caller: Caller, query: str, *, beat: bool
    ) -> tuple[Shown, dict[str, str]]:
        shown = await self._read(instance, query)
        drawing = instance.store.offload(self._draw, instance, shown)
        if beat:
            return shown, await drawing
        given = {"endpoint": "page", **shown.state.given}
        _, regions = await asyncio.gather(instance.was_read(caller, READ, given), drawing)
        return shown, regions

    async def _read(self, instance: Instance, query: str) -> Shown:
        state, error, runs, run = JobsState(), None, None, None
        overview = asyncio.gather(
            board.overview(instance),
            board.recent(instance, OUTCOMES),
            instance.store.offload(board.set_aside, instance),
        )
        try:
            state = JobsState.of(query)
            runs = await _runs(instance, state)
            run = await _opened(instance, state.given["run"]) if "run" in state.given else None
        except AgnesError as known:
            error = known
        jobs, recent, aside = await overview
        return Shown(state, jobs, recent, aside, runs, run, error, now())

    def _draw(self, instance: Instance, shown: Shown) -> dict[str, str]:
        told = {
            "shown": shown,
            "state": shown.state,
            "at": shown.at,
            "statuses": STATUSES,
            "active": ACTIVE,
            "is_on": instance.settings.jobs,
            "links": LINKS,
        }
        notice = render("notice.html", error=shown.error)
        drawn = {name: render(f"jobs/{name}.html", **told) for name in REGIONS[1:]}
        return {"notice": notice, **drawn}


async def _runs(instance: Instance, state: JobsState) -> Row:
    if job := state.given.get("job"):
        instance.jobs.job(job)
    return await board.runs(
        instance, job=job, status=state.given.get("status"), limit=ROWS, offset=state.offset
    )


async def _opened(instance: Instance, id: str) -> Opened:
    row = await board.run(instance, id)
    place = board.place(instance, {"job_name": row["job"], "id": id})

    def left() -> Opened:
        cell = failed_cell(place) if row["status"] == "failed" else None
        return Opened(row, cell, _tail(place) if row["status"] in ACTIVE else "")

    return await instance.store.offload(left)


def _tail(place: Any) -> str:
    try:
        lines = filter(str.strip, place.log().decode(errors="replace").splitlines())
    except NotFound:
        return ""
    return "\n".join([*lines][-LOG_LINES:])
