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
from console.handler import Handler, text_of
from console.identity.rights import ADMIN, Right
from console.pages.render import error_page, render
from schema.errors import AgnesError, BadRequest

PATH = "/admin/jobs"
_NOTICE = "text/x-notice"
_SEE_OTHER = 303
_ACTIONS = {"run": "run_job:{}", "cancel": "job.cancel", "again": "usage.reprocess"}


class JobActs(Handler):
    """`run=<job>`, `cancel=<run>`, `retry=<run>` or `again=<session file>`."""

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
                self._refused_as(_ACTIONS[name].format(cut(value, 64)))
        await super().prepare()

    async def post(self) -> None:
        acts: dict[str, Callable[[str], Awaitable[None]]] = {
            "run": self._run,
            "cancel": self._cancel,
            "retry": self._retry,
            "again": self._again,
        }
        match self._given:
            case [(name, value)] if name in acts:
                await acts[name](value)
            case _:
                raise BadRequest(
                    "the form asks for nothing", detail=f"Give one of {', '.join(acts)}."
                )

    async def _run(self, job: str) -> None:
        run = await self.instance.jobs.ask(self.caller, job, {})
        self._say(f"A run of {job} was asked for.", run.id)

    async def _retry(self, id: str) -> None:
        job = (await self.instance.jobs.row(id))["job_name"]
        self._refused_as(f"run_job:{cut(job, 64)}")
        run = await self.instance.jobs.retry(self.caller, id)
        self._say(f"{job} was asked to run again: attempt {run.attempt}.", run.id)

    async def _cancel(self, id: str) -> None:
        row = await self.instance.jobs.cancel(self.caller, id)
        over = row["status"] == "cancelled"
        self._say(f"{row['job_name']} {'was' if over else 'is being'} cancelled.")

    async def _again(self, session_file: str) -> None:
        await processing.forget(self.instance, self.caller, session_file=session_file)
        self._say(f"{session_file} is due again: the next run of process_sessions reads it.")

    def _refused_as(self, action: str) -> None:
        self.actions = {"POST": action}  # type: ignore[misc]

    def show_error(self, error: AgnesError) -> None:
        if self._is_live:
            self._notice(render("notice.html", error=error))
        else:
            self.set_header("Content-Type", "text/html; charset=utf-8")
            self.finish(error_page(error))

    def _say(self, text: str, run: str | None = None) -> None:
        if self._is_live:
            self._notice(render("said.html", text=text, run=run))
        else:
            query = urlsplit(self.request.headers.get("Referer", "")).query
            self.redirect(f"{PATH}?{query}" if query else PATH, status=_SEE_OTHER)

    def _notice(self, html: str) -> None:
        self.set_header("Content-Type", "text/plain; charset=utf-8")  # a part of a page, no page
        self.finish(html)

    @property
    def _is_live(self) -> bool:
        return self.request.headers.get("Accept") == _NOTICE


ROUTES = [(rf"{PATH}/act", JobActs)]
