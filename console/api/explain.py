"""`GET /api/v2/explain/<table>`: why one sees the rows of a table that one sees."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from console.asking.explain import explain
from console.audit import entry
from console.handler import Handler
from console.identity.rights import SIGNED_IN, Right
from console.tables.offered import offered, one_of


class Explain(Handler):
    rights: ClassVar[Mapping[str, Right]] = {"GET": SIGNED_IN}
    actions: ClassVar[Mapping[str, str]] = {"GET": "data.access_check"}

    async def get(self, name: str) -> None:
        self.query(())
        self.about = f"table:{name}"
        answer = await self.instance.store.offload(self._explained, name)
        given = {"resource_type": "table", "resource_id": answer["table_id"]}
        params = {**given, "allowed": True, "rule": answer["rule"], "rows": answer["visible"]}
        row = entry(self.caller, "data.access_check", resource=self.about, params=params)
        await self.instance.record(row)
        self.send(answer)

    def _explained(self, name: str) -> dict[str, Any]:
        instance, me = self.instance, self.caller.me
        return explain(instance, me, one_of(offered(instance, me), name))


ROUTES = [(r"/api/v2/explain/([^/]+)", Explain)]
