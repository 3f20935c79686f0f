"""`/api/admin/observability`: cards, facets, histogram and the grid of syncs of the audit log, from
the timeline's own filter."""

from __future__ import annotations

from typing import Any

from console import activity, syncs
from console.activity import Reader
from console.api.activity import AuditHandler
from console.queries.audit_filter import AuditFilter
from console.queries.audit_grammar import PARAMETERS


class _Summary(AuditHandler):
    endpoint: str

    @staticmethod
    def summary(reader: Reader, filter: AuditFilter) -> dict[str, Any]:
        raise LookupError("a summary of nothing")

    async def get(self) -> None:
        given = self.query(PARAMETERS)

        def found() -> dict[str, Any]:
            return self.summary(self.reader, self.asked(given).filter)

        answer = await self.instance.store.offload(found)
        await self.was_read(self.endpoint, given)
        self.send(answer)


class Kpis(_Summary):
    endpoint = "kpis"
    summary = staticmethod(activity.kpis)


class Facets(_Summary):
    endpoint = "facets"
    summary = staticmethod(activity.facets)


class Histogram(_Summary):
    endpoint = "histogram"
    summary = staticmethod(activity.histogram)


class Syncs(_Summary):
    endpoint = "syncs"
    summary = staticmethod(syncs.grid)


ROUTES = [
    (r"/api/admin/observability/kpis", Kpis),
    (r"/api/admin/observability/facets", Facets),
    (r"/api/admin/observability/histogram", Histogram),
    (r"/api/admin/observability/syncs", Syncs),
]
