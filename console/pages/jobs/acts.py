"""What the buttons of `/admin/jobs` do: one form, one address, with scripts and without.

A browser without scripts is sent back to the page; `live.js` shows the notice that it gets and
asks for the page again. Who may, and whether the form came from our own page, is decided by
`Handler`; what happens, by the rooms that own it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import ClassVar
from urllib.parse import urlsplit

from console import processing
from console.audit import cut
from console.handler import text_of
from console.identity.rights import ADMIN, Right
from console.jobs import scripts
from console.pages.act import Act
from console.pages.jobs import form
from console.queries.scripts import PREFIX
from schema.errors import BadRequest

PATH = "/admin/jobs"
_ACTIONS = {
    "run": "run_job:{}",
    "cancel": "job.cancel",
    "again": "usage.reprocess",
    "script": "script_runner.tick",
}


class JobActs(Act):
    """`run=<job>` with `p.<name>=<value>` for each parameter, `cancel=<run>`, `retry=<run>`,
    `again=<session file>` or `script=<id>`."""

    rights: ClassVar[Mapping[str, Right]] = {"POST": ADMIN}

    async def prepare(self) -> None:
        """A refusal, too, stands in the log as what it would have been."""
        self._given = [
            (name, text_of(name, value))
            for name, values in self.request.body_arguments.items()
            for value in values
            if name != "_xsrf"
        ]
        for name, value in self._given:
            if name in _ACTIONS:
                self.refused_as(_ACTIONS[name].format(cut(value, 64)))
        await super().prepare()

    async def post(self) -> None:
        acts: dict[str, Callable[[str], Awaitable[None]]] = {
            "run": self._run,
            "cancel": self._cancel,
            "retry": self._retry,
            "again": self._again,
            "script": self._script,
        }
        self._parameters = {
            name.removeprefix(form.PREFIX): value
            for name, value in self._given
            if name.startswith(form.PREFIX)
        }
        match [one for one in self._given if not one[0].startswith(form.PREFIX)]:
            case [(name, value)] if name in acts:
                await acts[name](value)
            case _:
                raise BadRequest(
                    "the form asks for nothing", detail=f"Give one of {', '.join(acts)}."
                )

    async def _run(self, job: str) -> None:
        jobs = self.instance.jobs
        given = form.given(jobs.job(job), self._parameters) if self._parameters else {}
        run = await jobs.ask(self.caller, job, given)
        self._say(f"A run of {job} was asked for.", run.id)

    async def _script(self, id: str) -> None:
        store = self.instance.store
        row = await store.offload(scripts.of_id, store, id)
        run = await self.instance.jobs.ask(self.caller, PREFIX + row["name"], {})
        self._say(f"A run of the script {row['name']} was asked for.", run.id)

    async def _retry(self, id: str) -> None:
        job = (await self.instance.jobs.row(id))["job_name"]
        self.refused_as(f"run_job:{cut(job, 64)}")
        run = await self.instance.jobs.retry(self.caller, id)
        self._say(f"{job} was asked to run again: attempt {run.attempt}.", run.id)

    async def _cancel(self, id: str) -> None:
        row = await self.instance.jobs.cancel(self.caller, id)
        over = row["status"] == "cancelled"
        self._say(f"{row['job_name']} {'was' if over else 'is being'} cancelled.")

    async def _again(self, session_file: str) -> None:
        await processing.forget(self.instance, self.caller, session_file=session_file)
        self._say(f"{session_file} is due again: the next run of process_sessions reads it.")

    def _say(self, text: str, run: str | None = None) -> None:
        if self.is_live:
            self.answer(self.said(text, run))
        else:
            query = urlsplit(self.request.headers.get("Referer", "")).query
            self.lead(f"{PATH}?{query}" if query else PATH)


ROUTES = [(rf"{PATH}/act", JobActs)]
