"""`/api/admin/users/<id>/…`: the sessions and the activity of one person, for admins."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from console import activity, person_activity, person_sessions
from console.api.activity import AuditHandler
from console.api.transcripts import Download, TranscriptHandler
from console.audit import cut, entry, now
from console.handler import Handler, cursor, integer
from console.identity.people import Person
from console.identity.rights import ADMIN, Right
from console.queries.audit_grammar import PARAMETERS
from console.sessions import READ, Reader
from console.transcript import transcript_looks
from console.transcript.transcript_files import zipped
from schema.errors import NotFound

_WINDOW = ("since_minutes", "since", "until")
_MONTH = "43200"  # minutes
_ADMINS: Mapping[str, Right] = {"GET": ADMIN}


def person(handler: Handler, id: str) -> Person:
    """Raises NotFound."""
    found = handler.instance.people.get(id)
    if found is None:
        raise NotFound(f"no user {cut(id, 80)}", detail="Users are listed in /api/admin/users.")
    return found


class UserSessions(Handler):
    """Sessions of one person, the newest first, those too that are not processed yet."""

    rights = _ADMINS
    actions: ClassVar[Mapping[str, str]] = {"GET": READ}

    async def get(self, id: str) -> None:
        given = self.query(("limit", "offset"))
        limit = integer(given, "limit", 50, 1, 200)
        offset = integer(given, "offset", 0, 0, 10**9)

        def found() -> dict[str, Any]:
            owner = person(self, id).id
            reader = Reader(self.instance, self.caller.me)
            return person_sessions.page(reader, owner, limit=limit, offset=offset)

        page = await self.instance.store.offload(found)
        params = {"endpoint": "user", "user_id": id}
        await self.instance.was_read(self.caller, READ, params)
        self.send(page)


class UserActivity(AuditHandler):
    """What one person did, as the timeline shows it; the last 30 days unless asked otherwise."""

    rights = _ADMINS
    actions: ClassVar[Mapping[str, str]] = {"GET": person_activity.READ}

    async def get(self, id: str) -> None:
        known = [name for name in PARAMETERS if name not in ("user_id", "user_id_not")]
        given = self.query((*known, "limit", "sort", "cursor_ts", "cursor_id"))
        limit, after = integer(given, "limit", 50, 1, 200), cursor(given)
        wanted = {name: text for name, text in given.items() if name in PARAMETERS}
        if not any(name in wanted for name in _WINDOW):
            wanted["since_minutes"] = _MONTH

        def page() -> tuple[dict[str, Any], activity.Page]:
            asked = self.asked({**wanted, "user_id": person(self, id).id})
            by = activity.order(given.get("sort"), *after, self.reader)
            return asked.echo, activity.timeline(self.reader, asked.filter, by, limit)

        self.about = person_activity.resource(id)
        echo, found = await self.instance.store.offload(page)
        await person_activity.was_read(self.instance, self.caller, id, wanted)
        self.send(
            {
                "rows": found.rows,
                "next_cursor": found.next,
                "filter": {**echo, "limit": limit, "sort": given.get("sort")},
            }
        )


class UserDownload(Download):
    rights = _ADMINS


class DownloadAll(TranscriptHandler):
    """All of a person's transcripts as a zip, made while it is sent."""

    rights = _ADMINS
    actions: ClassVar[Mapping[str, str]] = {"GET": "session_bulk_download"}

    async def get(self, id: str) -> None:
        given = self.query(("reason",))
        self.about = f"user:{cut(id, 80)}"
        offload = self.instance.store.offload
        owner = await offload(person, self, id)
        reason = transcript_looks.stated(self.instance, self.caller, owner.id, given.get("reason"))
        files, missing = await offload(person_sessions.files, self.reader, owner.id)
        params = {
            "user_id": owner.id,
            "files": len(files),
            "bytes": sum(file.size for file in files),
            "missing": missing or None,
            "reason": reason,
            "via": "api",
        }
        await self.instance.record(
            entry(self.caller, "session_bulk_download", resource=self.about, params=params)
        )
        name = re.sub(r"[^A-Za-z0-9._-]+", "_", owner.email.partition("@")[0])[:64]
        self.attach("application/zip", f"{name}-sessions-{now():%Y%m%d}.zip")
        self.set_header("X-File-Count", str(len(files)))
        self.set_header("X-Missing-Count", str(missing))
        await self.stream(zipped(files))


_USER = r"/api/admin/users/([^/]+)"
ROUTES = [
    (rf"{_USER}/sessions", UserSessions),
    (rf"{_USER}/activity", UserActivity),
    (rf"{_USER}/sessions/download-all", DownloadAll),
    (rf"{_USER}/sessions/([^/]+)/download", UserDownload),
]
