"""`/api/admin/activity`: what changed, rolling it back, and the raw row. SPEC sections 7 and 8."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from console import activity
from console.api.activity import AuditHandler, cursor_of
from console.changes import rollback
from console.changes.fields import fields
from console.changes.rollback import MovedOn
from console.handler import envelope, flag, integer
from console.identity.lookup import Outside
from console.identity.rights import Right
from console.queries import changes
from console.queries.audit_grammar import PARAMETERS
from console.reveal import reveal
from schema.errors import AgnesError, BadParameter, BadRequest, Conflict

REASON_LIMIT = 500
_EVENT = r"/api/admin/activity/([A-Za-z0-9._-]{1,64})"


class Changes(AuditHandler):
    """The timeline of what changed; each row with its `fields`."""

    async def get(self) -> None:
        given = self.query((*PARAMETERS, "limit", "sort", "cursor_ts", "cursor_id"))
        limit = integer(given, "limit", 50, 1, 200)
        cursor = cursor_of(given)
        wanted = {name: text for name, text in given.items() if name in PARAMETERS}

        def page() -> dict[str, Any]:
            reader, asked = self.reader, self.asked(wanted)
            by = activity.order(given.get("sort"), *cursor, reader)
            found = activity.raw_page(reader, changes.changes, asked.filter, by, limit)
            rows = [
                {**shown, "fields": fields(row, reader.principal)}
                for row, shown in zip(found.rows, reader.dress(found.rows), strict=True)
            ]
            echo = {**asked.echo, "limit": limit, "sort": given.get("sort")}
            return {"rows": rows, "next_cursor": found.next, "filter": echo}

        answer = await self.instance.store.offload(page)
        await self.was_read("changes", wanted)
        self.send(answer)


class Diff(AuditHandler):
    """The changed fields of one row, and whether it can be rolled back now."""

    async def get(self, id: str) -> None:
        self.query(())

        def found() -> dict[str, Any]:
            reader = self.reader
            row = activity.raw(reader, id)
            shown = reader.dress([row])[0]
            why_not = self._why_not(row)
            names = ("id", "action", "resource", "timestamp", "user_id", "user_email", "user_name")
            return {
                **{name: shown[name] for name in (*names, "result")},
                "fields": fields(row, reader.principal),
                "can_roll_back": why_not is None,
                "why_not": why_not,
            }

        answer = await self.instance.store.offload(found)
        await self.was_read("diff", {"id": id})
        self.send(answer)

    def _why_not(self, row: dict[str, Any]) -> str | None:
        if not self.caller.me.is_admin:
            return "only an admin may roll back"
        try:
            rollback.plan(Outside(self.instance.store), row, self.caller)
        except (BadRequest, Conflict) as error:
            return error.message
        return None


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
            self.send(await store.offload(rollback.dry_run, Outside(store), self.caller, id))
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
