"""`/api/admin/activity`: what changed, rolling it back, and the raw row. SPEC sections 7 and 8."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from console import diffs
from console.activity import READ
from console.api.activity import AuditHandler, Timeline
from console.changes import rollback
from console.changes.rollback import MovedOn
from console.handler import envelope, flag
from console.identity.lookup import Outside
from console.identity.rights import Right
from console.reveal import reveal
from schema.errors import AgnesError, BadParameter

REASON_LIMIT = 500
_EVENT = r"/api/admin/activity/([A-Za-z0-9._-]{1,64})"


class Changes(Timeline):
    """The timeline of what changed; each row with its `fields`."""

    endpoint = "changes"
    read = staticmethod(diffs.timeline)


class Diff(AuditHandler):
    """The changed fields of one row, and whether it can be rolled back now."""

    async def get(self, id: str) -> None:
        self.query(())
        found = await self.instance.store.offload(diffs.diff, self.reader, self.caller, id)
        await self.was_read("diff", {"id": id})
        self.send(found)


class Rollback(AuditHandler):
    rights: ClassVar[Mapping[str, Right]] = {}  # a grant opens reading only
    actions: ClassVar[Mapping[str, str]] = {"POST": "audit.rollback"}

    async def post(self, id: str) -> None:
        trying = flag(self.query(("dry_run",)), "dry_run")
        reason = self.body({"reason": str}).get("reason")
        if reason is not None and len(reason) > REASON_LIMIT:
            raise BadParameter("reason", reason, f"at most {REASON_LIMIT} characters")
        store = self.instance.store
        if trying:
            self.actions = {"POST": READ}  # type: ignore[misc]  # it changes nothing
            found = await store.offload(rollback.dry_run, Outside(store), self.caller, id)
            await self.was_read("rollback", {"id": id})
            self.send(found)
        else:
            self.send(await store.awrite(rollback.rollback(self.caller, id, reason=reason)))

    def show_error(self, error: AgnesError) -> None:
        values = {"values": error.values} if isinstance(error, MovedOn) else {}
        self.send({**envelope(error), **values}, error.status)


class Reveal(AuditHandler):
    rights: ClassVar[Mapping[str, Right]] = {}  # a grant opens reading only
    actions: ClassVar[Mapping[str, str]] = {"POST": "audit.reveal_raw"}

    async def post(self, id: str) -> None:
        self.query(())
        given = self.body({"reason": str}, need=("reason",))
        self.send(await reveal(self.reader, self.caller, id, given["reason"]))


ROUTES = [
    (r"/api/admin/activity/changes", Changes),
    (rf"{_EVENT}/diff", Diff),
    (rf"{_EVENT}/rollback", Rollback),
    (rf"{_EVENT}/reveal", Reveal),
]
