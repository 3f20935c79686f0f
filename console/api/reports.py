"""`/api/jobs/reports/…`: what the report notebooks tell. Open to running jobs, whose reports only
admins read, and to admins."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from console import reports, sessions, telemetry
from console.audit import now
from console.feedback import digest, reading
from console.feedback.notify import digested
from console.handler import Handler
from console.identity.rights import SERVICE, Right
from console.queries.feedback_digest import running
from console.reports import Scope
from schema.bind import Text


class Report(Handler):
    """`week`, the ISO date of a Monday (the last week that is over), `group`, its id or name."""

    rights: ClassVar[Mapping[str, Right]] = {"GET": SERVICE}
    actions: ClassVar[Mapping[str, str]] = {"GET": sessions.READ}
    name: str
    make: Callable[[Scope], dict[str, Any]]

    async def get(self) -> None:
        given = self.query(("week", "group"))
        principal = self.caller.me.reporting()

        def made() -> dict[str, Any]:
            return type(self).make(reports.scope(self.instance, principal, given, now()))

        found = await self.instance.store.offload(made)
        params = {"endpoint": f"reports/{self.name}", **given}
        for action in (sessions.READ, telemetry.READ):
            await self.instance.was_read(self.caller, action, params)
        self.send(found)


class Weekly(Report):
    name = "weekly"
    make = staticmethod(reports.weekly)


class Failures(Report):
    name = "failures"
    make = staticmethod(reports.failures)


class Feedback(Handler):
    """`day`, an ISO date (the last day that is over): its reports, as the inbox counts them."""

    rights: ClassVar[Mapping[str, Right]] = {"GET": SERVICE, "POST": SERVICE}
    actions: ClassVar[Mapping[str, str]] = {"GET": reading.READ}
    job: ClassVar[str] = "feedback_digest"

    async def get(self) -> None:
        given = self.query(("day",))
        self.send(await self.instance.store.offload(self._made, given))
        params = {"endpoint": "reports/feedback", **given}
        await self.instance.was_read(self.caller, reading.READ, params)

    async def post(self) -> None:
        """The job's own run has made the digest of the last day: the admins are told its counts and
        where it is kept, once, and of nothing where nothing was reported."""
        self.query(())
        given = self.body({"day": str})
        found = await self.instance.store.offload(self._made, given)
        self.send({"told": await self._told(found)})

    async def _told(self, found: dict[str, Any]) -> int:
        store, run = self.instance.store, self.caller.correlation_id
        is_last = found["day"] == digest.day_of({}, now()).date().isoformat()
        if not (is_last and digest.has_news(found)):
            return 0
        if not await store.offload(store.rows, running, Text(run), Text(self.job)):
            return 0  # somebody who reads it by themselves
        told: int = await store.awrite(digested(run, found["day"], digest.in_short(found)))
        return told

    def _made(self, given: Mapping[str, str]) -> dict[str, Any]:
        at = now()
        reader = reading.Reader(self.instance, self.caller.me.reporting())
        return digest.digest(reader, digest.day_of(given, at), at)


ROUTES = [
    (r"/api/jobs/reports/weekly", Weekly),
    (r"/api/jobs/reports/failures", Failures),
    (r"/api/jobs/reports/feedback", Feedback),
]
