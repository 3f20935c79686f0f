"""`/api/admin/activity`: the audit log. SPEC section 5; the pulse is section 6."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import ibis

from console import activity, pulse
from console.activity import READ, Reader
from console.api.streamed import format_of, stream
from console.audit import now
from console.handler import Handler, cursor, flag, integer
from console.identity.rights import ACTIVITY, Right
from console.linked import linked
from console.queries import audit
from console.queries.audit_grammar import PARAMETERS, WINDOW, Asked, ask, window
from schema.policy import visible
from schema.tables import SYNC_HISTORY


class AuditHandler(Handler):
    """What the endpoints over the audit log share: the filter, the reader, the row that says it was
    read."""

    rights: ClassVar[Mapping[str, Right]] = {"GET": ACTIVITY}
    actions: ClassVar[Mapping[str, str]] = {"GET": READ}

    @property
    def reader(self) -> Reader:
        return Reader(self.instance, self.caller.me)

    def asked(self, given: Mapping[str, str]) -> Asked:
        """The filter asked for. Blocks: it may look up people's names."""
        return ask(given, now=now(), resolve=self.instance.people.named)

    async def was_read(self, endpoint: str, given: Mapping[str, str]) -> None:
        await activity.was_read(self.instance, self.caller, endpoint, given)


class Timeline(AuditHandler):
    endpoint = "timeline"
    read = staticmethod(activity.timeline)

    async def get(self) -> None:
        given = self.query((*PARAMETERS, "limit", "sort", "cursor_ts", "cursor_id", "newer"))
        limit = integer(given, "limit", 50, 1, 200)
        after, newer = cursor(given), flag(given, "newer")
        wanted = {name: text for name, text in given.items() if name in PARAMETERS}

        def page() -> tuple[Asked, activity.Page]:
            asked = self.asked(wanted)
            by = activity.order(given.get("sort"), *after, self.reader, newer=newer)
            return asked, self.read(self.reader, asked.filter, by, limit)

        asked, found = await self.instance.store.offload(page)
        await self.was_read(self.endpoint, wanted)
        echo = {**asked.echo, "limit": limit, "sort": given.get("sort")}
        cursors = {"next_cursor": found.next, "prev_cursor": found.prev}
        self.send({"rows": found.rows, **cursors, "filter": echo})


class One(AuditHandler):
    async def get(self, id: str) -> None:
        self.query(())

        def found() -> dict[str, Any]:
            shown = activity.one(self.reader, id)
            (raw,) = self.reader.ask(audit.by_id, audit.Id(id))
            return {**shown, "linked": linked(self.reader, raw)}

        row = await self.instance.store.offload(found)
        await self.was_read("event", {"id": id})
        self.send(row)


class Health(Handler):
    """The pulse. Polled by every open page, so it is cached and never audited."""

    rights: ClassVar[Mapping[str, Right]] = {"GET": ACTIVITY}

    async def get(self) -> None:
        self.query(())
        found = await self.instance.store.offload(pulse.cached, self.instance)
        pulse.viewed(self.instance, self.caller.me, found)
        self.send(found)


class Sync(AuditHandler):
    async def get(self) -> None:
        given = self.query((*WINDOW, "limit", "status", "table_id"))
        limit = integer(given, "limit", 100, 1, 500)
        since, until = window(given, now())
        rows = visible(SYNC_HISTORY, self.caller.me)
        rows = rows.filter(rows.synced_at >= since, rows.synced_at <= until)
        for name in ("status", "table_id"):
            if name in given:
                rows = rows.filter(rows[name] == given[name])
        rows = rows.order_by([ibis.desc("synced_at"), ibis.desc("id")]).limit(limit)
        found = await self.instance.store.offload(self.instance.store.read, rows)
        await self.was_read("sync", {name: text for name, text in given.items() if name != "limit"})
        self.send({"rows": found.to_pylist()})


class Export(AuditHandler):
    """All rows that match, streamed. The number of rows is in a header and in the audit row."""

    endpoint = "export"

    async def get(self) -> None:
        given = self.query((*PARAMETERS, "format"))
        format = format_of(given)
        given.pop("format", None)
        asked = await self.instance.store.offload(self.asked, given)
        await stream(
            self,
            audit.everything(self.reader.seen, asked.filter),
            (*audit.SHOWN, "user_email", "user_name"),
            format=format,
            name="agnes-audit",
            action=READ,
            params={"endpoint": self.endpoint, **given},
            dress=self.reader.dress,
        )


ROUTES = [
    (r"/api/admin/activity", Timeline),
    (r"/api/admin/activity/health", Health),
    (r"/api/admin/activity/sync", Sync),
    (r"/api/admin/activity/export", Export),
    (r"/api/admin/activity/([A-Za-z0-9._-]{1,64})", One),
]
