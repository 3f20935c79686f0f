"""`POST /api/sync/trigger`: read tables anew from their sources; `GET /api/sync/manifest`: what one
may take along. SPEC section 18."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, ClassVar

from console.audit import entry, now
from console.handler import Handler
from console.identity.rights import SERVICE, SIGNED_IN, Right
from console.tables import synced
from console.tables.synced_now import sync_now
from schema.errors import BadParameter, BadRequest

_MOST = 1000  # tables in one request


class Trigger(Handler):
    """`{tables?: [id], due?: bool}`: these tables, or those whose schedule says so, or all that
    sync. It answers when all are done: 200 also where some failed, which `failed` counts and their
    attempts say. 409 while a sync runs."""

    rights: ClassVar[Mapping[str, Right]] = {"POST": SERVICE}
    actions: ClassVar[Mapping[str, str]] = {"POST": "sync.trigger"}

    async def post(self) -> None:
        self.query(())
        given = self.body({"tables": list, "due": bool})
        ids = _ids(given["tables"]) if "tables" in given else None
        if given.get("due"):
            if ids is not None:
                raise BadRequest("tables and due exclude each other", detail="Give one of them.")
            ids = await self.instance.store.offload(self.instance.syncs.due, now())
        found = await sync_now(self.instance, self.caller, ids)
        failed = sum(1 for one in found if one.status == "error")
        self.send({"ok": not failed, "attempts": [asdict(one) for one in found], "failed": failed})


def _ids(given: list[Any]) -> list[str]:
    for one in given:
        if not isinstance(one, str) or not one or "\0" in one:
            raise BadParameter("tables", one, "a list of the ids of tables")
    if not 0 < len(given) <= _MOST:
        raise BadParameter("tables", f"{len(given)} ids", f"1 to {_MOST}; leave it out for all")
    return list(dict.fromkeys(given))


class Manifest(Handler):
    """The tables that the caller may download; Tornado adds the ETag, and answers 304 to it."""

    rights: ClassVar[Mapping[str, Right]] = {"GET": SIGNED_IN}
    actions: ClassVar[Mapping[str, str]] = {"GET": "manifest.fetch"}

    async def get(self) -> None:
        self.query(())
        found = await self.instance.store.offload(synced.files, self.instance.store, self.caller.me)
        tables = [
            {
                "id": one.table_id,
                "rows": one.rows,
                "bytes": one.bytes,
                "sha256": one.sha256,
                "synced_at": one.synced_at,
            }
            for one in found
        ]
        params = {"tables": len(tables)}
        await self.instance.record(entry(self.caller, "manifest.fetch", params=params))
        self.send({"tables": tables})


ROUTES = [(r"/api/sync/trigger", Trigger), (r"/api/sync/manifest", Manifest)]
