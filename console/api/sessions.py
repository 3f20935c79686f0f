"""`/api/admin/sessions`: the list of sessions and what was found in them. SPEC section 13."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, ClassVar

from console import sessions
from console.audit import now
from console.handler import Handler, cursor, integer
from console.identity.rights import SESSIONS, Right
from console.queries.sessions import FINDING_TERMS, After, FindingFilter
from console.sessions import FILTERS, READ, WEEK, YEAR, Reader


class SessionsHandler(Handler):
    """What the endpoints over sessions share: the reader, and the row that says it was read."""

    rights: ClassVar[Mapping[str, Right]] = {"GET": SESSIONS}
    actions: ClassVar[Mapping[str, str]] = {"GET": READ}

    @property
    def reader(self) -> Reader:
        return Reader(self.instance, self.caller.me)

    async def was_read(self, endpoint: str, given: Mapping[str, str]) -> None:
        params = {"endpoint": endpoint, **given}
        await self.instance.was_read(self.caller, READ, params)


class Listed(SessionsHandler):
    async def get(self) -> None:
        given = self.query((*FILTERS, "sort", "limit", "offset"))
        limit = integer(given, "limit", 50, 1, 200)
        offset = integer(given, "offset", 0, 0, 10**9)
        sort = sessions.sort_of(given.get("sort"))
        minutes = integer(given, "since_minutes", WEEK, 1, YEAR)
        filter = sessions.filter_of(given, minutes=minutes, now=now())
        offload, reader = self.instance.store.offload, self.reader
        cut: Any = {"sort": sort, "limit": limit, "offset": offset}
        rows, total = await asyncio.gather(
            offload(lambda: sessions.listed(reader, filter, **cut)),
            offload(sessions.total, reader, filter),
        )
        wanted = {name: text for name, text in given.items() if name in FILTERS}
        await self.was_read("list", wanted)
        after = offset + limit
        following = after if after < total else None
        page = {"rows": rows, "total": total, "limit": limit, "offset": offset}
        self.send({**page, "next_offset": following})


class Findings(SessionsHandler):
    """Findings with the heatmap of the same filter; those of one session come all at once."""

    async def get(self) -> None:
        given = self.query((*FILTERS, *FINDING_TERMS, "limit", "cursor_ts", "cursor_id"))
        limit = integer(given, "limit", 50, 1, 500)
        after = After(*cursor(given))
        minutes = integer(given, "since_minutes", WEEK, 1, YEAR)
        filter = sessions.filter_of(given, minutes=minutes, now=now())
        terms = {name: given[name] for name in FINDING_TERMS if name in given}

        def found() -> dict[str, Any]:
            if "session_file" in given:
                return self._of_session(given["session_file"], terms)
            wanted = FindingFilter(filter, terms)
            page = sessions.findings(self.reader, wanted, after, limit)
            return {**page, "heatmap": sessions.heatmap(self.reader, wanted)}

        page = await self.instance.store.offload(found)
        wanted = {name: text for name, text in given.items() if name in (*FILTERS, *FINDING_TERMS)}
        await self.was_read("findings", wanted)
        self.send(page)

    def _of_session(self, session_file: str, terms: Mapping[str, str]) -> dict[str, Any]:
        rows = sessions.of_session(self.reader, session_file)
        rows = [row for row in rows if all(row[name] == text for name, text in terms.items())]
        return {"rows": rows, "next_cursor": None}


ROUTES = [
    (r"/api/admin/sessions/list", Listed),
    (r"/api/admin/sessions/findings", Findings),
]
