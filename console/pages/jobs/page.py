"""`JobsPage` reads, renders and lives. What its buttons do stands in `acts`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from console.audit import Caller, now
from console.identity.rights import ADMIN
from console.instance import Instance
from console.jobs import board, scripts
from console.jobs.failed_cell import failed_cell
from console.jobs.kept import LINKS
from console.pages import shell, visits
from console.pages.entry import Arrival
from console.pages.jobs import form
from console.pages.jobs.shown import Opened, Shown
from console.pages.jobs.state import JobsState
from console.pages.render import render
from console.queries.jobs import ACTIVE, STATUSES
from console.queries.scripts import PREFIX, listing
from schema.errors import AgnesError, NotFound

Row = dict[str, Any]

READ = "jobs.read"
ROWS = 25
OUTCOMES = 10  # of each job, as bars
CURVE = 60  # runs of one job, as a curve
OTHERS = 25  # runs that one is compared with
LOG_LINES = 12
REGIONS = (
    *("notice", "pulse", "form", "run", "compared", "book", "schedule", "scripts"),
    *("aside", "filters", "curve", "rows"),
)


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
        curve: list[Row] = []
        asked = compared = None
        overview = asyncio.gather(
            board.overview(instance),
            board.recent(instance, OUTCOMES),
            instance.store.offload(board.set_aside, instance),
            instance.store.offload(_scripts, instance),
        )
        try:
            state = JobsState.of(query)
            runs = await _runs(instance, state)
            run = await _opened(instance, state.given["run"]) if "run" in state.given else None
            if job := state.given.get("job"):
                page = await board.runs(instance, job=job, limit=CURVE)
                curve = [row for row in page["rows"] if row["duration_ms"] is not None][::-1]
            if name := state.given.get("ask"):
                asked = form.fields(instance.jobs.job(name))
            if run and (other := state.given.get("with")):
                compared = await board.compared(instance, other, run.row["id"])
        except AgnesError as known:
            error = known
        jobs, recent, aside, registered = await overview
        return Shown(
            state,
            jobs,
            recent,
            aside,
            runs,
            run,
            error,
            now(),
            curve,
            asked,
            compared,
            registered,
        )

    def _draw(self, instance: Instance, shown: Shown) -> dict[str, str]:
        told = {
            "shown": shown,
            "state": shown.state,
            "at": shown.at,
            "statuses": STATUSES,
            "active": ACTIVE,
            "is_on": instance.settings.jobs,
            "links": LINKS,
            "kept": instance.settings.job_runs_kept,
        }
        notice = render("notice.html", error=shown.error)
        drawn = {name: render(f"jobs/{name}.html", **told) for name in REGIONS[1:]}
        return {"notice": notice, **drawn}


async def _runs(instance: Instance, state: JobsState) -> Row:
    if job := state.given.get("job"):
        await instance.jobs.job_of(job)
    return await board.runs(
        instance, job=job, status=state.given.get("status"), limit=ROWS, offset=state.offset
    )


async def _opened(instance: Instance, id: str) -> Opened:
    row = await board.run(instance, id)
    place = board.place(instance, {"job_name": row["job"], "id": id})

    def left() -> Opened:
        cell = failed_cell(place) if row["status"] == "failed" else None
        return Opened(row, cell, _tail(place) if row["status"] in ACTIVE else "", others)

    page = await board.runs(instance, job=row["job"], limit=OTHERS)
    others = [one for one in page["rows"] if one["id"] != id and one["status"] != "skipped"]
    return await instance.store.offload(left)


def _scripts(instance: Instance) -> list[Row]:
    """Registered scripts, as they are answered."""
    at = now()
    rows = instance.store.read(listing()).to_pylist()
    return [{**scripts.shown(row, at), "running": instance.jobs.active(_job(row))} for row in rows]


def _job(row: Row) -> str:
    return f"{PREFIX}{row['name']}"


def _tail(place: Any) -> str:
    try:
        lines = filter(str.strip, place.log().decode(errors="replace").splitlines())
    except NotFound:
        return ""
    return "\n".join([*lines][-LOG_LINES:])
