"""`/api/admin/observability/views`: one's own saved views. SPEC section 5."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from console import saved_views
from console.handler import Handler
from console.identity.rights import SIGNED_IN, Right
from schema.errors import BadRequest

QUERY = (dict, str)
FIELDS: dict[str, type | tuple[type, ...]] = {"name": str, "query": QUERY, "is_default": bool}


class Views(Handler):
    rights: ClassVar[Mapping[str, Right]] = {"GET": SIGNED_IN, "POST": SIGNED_IN}
    actions: ClassVar[Mapping[str, str]] = {"POST": "views.save"}

    async def get(self) -> None:
        """All of them at once: there are few. `views` is what older clients read."""
        given = self.query(("page",))
        store = self.instance.store
        listing = saved_views.listing(self.caller.me.user_id, given.get("page"))
        found = await store.offload(store.read, listing)
        rows = [saved_views.shown(row) for row in found.to_pylist()]
        envelope = {"total": len(rows), "limit": saved_views.MOST, "offset": 0, "next_offset": None}
        self.send({"rows": rows, "views": rows, **envelope})

    async def post(self) -> None:
        self.query(())
        given = self.body({**FIELDS, "page": str}, need=("name", "query"))
        row, is_new = await self.instance.store.awrite(saved_views.save(self.caller, given))
        self.send(row, 201 if is_new else 200)


class View(Handler):
    rights: ClassVar[Mapping[str, Right]] = {"PATCH": SIGNED_IN, "DELETE": SIGNED_IN}
    actions: ClassVar[Mapping[str, str]] = {"PATCH": "views.save", "DELETE": "views.delete"}

    async def patch(self, id: str) -> None:
        self.query(())
        given = self.body(FIELDS)
        if not given:
            raise BadRequest("nothing to change", detail="Give one of: " + ", ".join(FIELDS) + ".")
        self.send(await self.instance.store.awrite(saved_views.update(self.caller, id, given)))

    async def delete(self, id: str) -> None:
        self.query(())
        await self.instance.store.awrite(saved_views.delete(self.caller, id))
        self.nothing()


ROUTES = [
    (r"/api/admin/observability/views", Views),
    (r"/api/admin/observability/views/([^/]+)", View),
]
