"""`/api/jobs/reports/…`: what the weekly report notebooks tell. Open to running jobs, whose reports
only admins read, and to admins."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from console import reports, sessions, telemetry
from console.audit import now
from console.handler import Handler
from console.identity.rights import SERVICE, Right
from console.reports import Scope


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


ROUTES = [
    (r"/api/jobs/reports/weekly", Weekly),
    (r"/api/jobs/reports/failures", Failures),
]
