"""`/api/admin/jobs`: scheduled notebooks and their runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from console.audit import cut
from console.handler import Handler, integer
from console.jobs import board, kept
from schema.errors import BadParameter

READ = "jobs.read"


class JobsHandler(Handler):
    actions: ClassVar[Mapping[str, str]] = {"GET": READ}

    async def was_read(self, **filter: str) -> None:
        given = {"endpoint": self.request.path, **filter}
        await self.instance.was_read(self.caller, READ, given)

    def refused_as(self, job: str) -> None:
        """A refusal stands in the log as the run that it would have been."""
        self.actions = {"POST": f"run_job:{cut(job, 64)}"}  # type: ignore[misc]

    async def place(self, id: str) -> kept.Place:
        """Where the run is kept. Raises NotFound."""
        self.query(())
        row = await self.instance.jobs.row(id)
        await self.was_read()
        return board.place(self.instance, row)

    def send_file(
        self, content: bytes, kind: str, name: str | None = None, *, sandbox: str = "sandbox"
    ) -> None:
        self.set_header("Content-Type", kind)
        self.set_header(
            "Content-Security-Policy", f"{sandbox}; {kept.POLICY}; frame-ancestors 'self'"
        )
        self.set_header("X-Frame-Options", "SAMEORIGIN")  # the page of jobs shows it in a frame
        if name:
            self.set_header("Content-Disposition", f'attachment; filename="{name}"')
        self.finish(content)


class Jobs(JobsHandler):
    async def get(self) -> None:
        self.query(())
        rows = await board.overview(self.instance)
        await self.was_read()
        count = len(rows)
        self.send({"rows": rows, "total": count, "limit": count, "offset": 0, "next_offset": None})


class Ask(JobsHandler):
    """Run a job now."""

    async def prepare(self) -> None:
        self.refused_as(self.path_args[0])
        await super().prepare()

    async def post(self, name: str) -> None:
        self.query(())
        given = self.body({"parameters": dict})
        run = await self.instance.jobs.ask(self.caller, name, given.get("parameters", {}))
        self.send({"run_id": run.id}, 202)


class Runs(JobsHandler):
    async def get(self) -> None:
        given = self.query(("job", "status", "limit", "offset"))
        limit = integer(given, "limit", 50, 1, 1000)
        offset = integer(given, "offset", 0, 0, 10**9)
        if "job" in given:
            await self.instance.jobs.job_of(given["job"])
        wanted: Any = {name: given.get(name) for name in ("job", "status")}
        page = await board.runs(self.instance, **wanted, limit=limit, offset=offset)
        await self.was_read(**{name: text for name, text in wanted.items() if text})
        self.send(page)


class One(JobsHandler):
    async def get(self, id: str) -> None:
        self.query(())
        row = await board.run(self.instance, id)
        await self.was_read()
        self.send(row)


class Compare(JobsHandler):
    """This run beside another one of the same job."""

    async def get(self, id: str) -> None:
        other = self.query(("with",)).get("with", "")
        if not other:
            raise BadParameter("with", "", "the id of another run of the same job")
        found = await board.compared(self.instance, id, other)
        await self.was_read(**{"with": other})
        self.send(found)


class Cancel(JobsHandler):
    """Answers at once; a kernel that goes on needs some seconds to end."""

    actions: ClassVar[Mapping[str, str]] = {"POST": "job.cancel"}

    async def post(self, id: str) -> None:
        self.query(())
        self.body({})
        row = await self.instance.jobs.cancel(self.caller, id)
        over = row["status"] == "cancelled"
        self.send({"run_id": id, "status": "cancelled" if over else "cancelling"}, 202)


class Retry(JobsHandler):
    async def post(self, id: str) -> None:
        self.query(())
        self.body({})
        self.refused_as((await self.instance.jobs.row(id))["job_name"])
        run = await self.instance.jobs.retry(self.caller, id)
        self.send({"run_id": run.id, "attempt": run.attempt}, 202)


class Notebook(JobsHandler):
    async def get(self, id: str) -> None:
        place = await self.place(id)
        content = await self.instance.store.offload(place.read, kept.NOTEBOOK)
        self.send_file(content, "application/x-ipynb+json", f"{place.job}-{id}.ipynb")


class Page(JobsHandler):
    async def get(self, id: str) -> None:
        place = await self.place(id)
        content = await self.instance.store.offload(place.read, kept.PAGE)
        self.send_file(content, "text/html; charset=utf-8", sandbox=f"sandbox {kept.LINKS}")


class Log(JobsHandler):
    """Text; also while the run goes on."""

    async def get(self, id: str) -> None:
        place = await self.place(id)
        self.send_file(await self.instance.store.offload(place.log), "text/plain; charset=utf-8")


class Figure(JobsHandler):
    async def get(self, id: str, name: str) -> None:
        place = await self.place(id)
        content = await self.instance.store.offload(place.figure, name)
        self.send_file(content, "image/png" if name.endswith(".png") else "image/svg+xml")


_RUN = r"/api/admin/jobs/runs/([A-Za-z0-9-]{1,64})"
ROUTES = [
    (r"/api/admin/jobs", Jobs),
    (r"/api/admin/jobs/runs", Runs),
    (_RUN, One),
    (rf"{_RUN}/compare", Compare),
    (rf"{_RUN}/cancel", Cancel),
    (rf"{_RUN}/retry", Retry),
    (rf"{_RUN}/notebook", Notebook),
    (rf"{_RUN}/html", Page),
    (rf"{_RUN}/log", Log),
    (rf"{_RUN}/figures/([^/]+)", Figure),
    (r"/api/admin/jobs/([^/]+)/run", Ask),
]
