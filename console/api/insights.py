"""`/api/admin/observability/queries|performance|usage`: what was asked, how long things take, and
who was here, from the timeline's own filter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from console import durations, usage
from console.api.activity import AuditHandler
from console.asking import asked_queries
from console.handler import integer
from console.queries.audit_filter import AuditFilter
from console.queries.audit_grammar import PARAMETERS


class _Insight(AuditHandler):
    """The order and the number of rows are no part of what was read, as on the timeline."""

    endpoint: str
    more: tuple[str, ...] = ()

    def insight(self, filter: AuditFilter, given: Mapping[str, str]) -> dict[str, Any]:
        raise LookupError("an insight into nothing")

    async def get(self) -> None:
        given = self.query((*PARAMETERS, *self.more))
        wanted = {name: text for name, text in given.items() if name in PARAMETERS}

        def found() -> dict[str, Any]:
            asked = self.asked(wanted)
            return {**self.insight(asked.filter, given), "filter": asked.echo}

        answer = await self.instance.store.offload(found)
        await self.was_read(self.endpoint, wanted)
        self.send(answer)


class Queries(_Insight):
    endpoint = "queries"
    more = ("sort", "limit")

    def insight(self, filter: AuditFilter, given: Mapping[str, str]) -> dict[str, Any]:
        limit = integer(given, "limit", asked_queries.SHOWN, 1, 1000)
        return asked_queries.queries(self.reader, filter, given.get("sort"), limit=limit)


class Performance(_Insight):
    endpoint = "performance"
    more = ("sort",)

    def insight(self, filter: AuditFilter, given: Mapping[str, str]) -> dict[str, Any]:
        return durations.performance(self.reader, filter, given.get("sort"))


class Usage(_Insight):
    endpoint = "usage"

    def insight(self, filter: AuditFilter, given: Mapping[str, str]) -> dict[str, Any]:
        return usage.of_people(self.reader, filter)


ROUTES = [
    (r"/api/admin/observability/queries", Queries),
    (r"/api/admin/observability/performance", Performance),
    (r"/api/admin/observability/usage", Usage),
]
