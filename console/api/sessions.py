"""`/api/admin/sessions`: the list of sessions and what was found in them. SPEC section 13."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from console import sessions
from console.api.streamed import format_of, stream
from console.audit import now
from console.handler import Handler, cursor, integer
from console.identity.rights import SESSIONS, Right
from console.queries.session_findings import FINDING_TERMS, After, FindingFilter
from console.queries.sessions import everything
from console.sessions import FILTERS, READ, Reader, Row, filter_of, sort_of
from schema.errors import BadParameter


def asked(given: Mapping[str, str]) -> dict[str, str]:
    """The filter of a request: what tells two reads apart. Paging and order do not."""
    return {name: text for name, text in given.items() if name in FILTERS}


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
        sort = sort_of(given.get("sort"))
        filter = filter_of(given, now=now())

        def page() -> Row:
            return sessions.page(self.reader, filter, sort=sort, limit=limit, offset=offset)

        page_ = await self.instance.store.offload(page)
        await self.was_read("list", asked(given))
        self.send(page_)


class Kpis(SessionsHandler):
    """What is computed of a filter alone."""

    endpoint = "kpis"
    compute = staticmethod(sessions.kpis)

    async def get(self) -> None:
        given = self.query(FILTERS)
        filter = filter_of(given, now=now())
        found = await self.instance.store.offload(self.compute, self.reader, filter)
        await self.was_read(self.endpoint, given)
        self.send(found)


class Facets(Kpis):
    endpoint = "facets"
    compute = staticmethod(sessions.facets)


class Export(SessionsHandler):
    """All sessions that match, streamed. Their number is in a header and in the audit row."""

    async def get(self) -> None:
        given = self.query((*FILTERS, "sort", "format"))
        format, sort = format_of(given), sort_of(given.get("sort"))
        filter, offload = filter_of(given, now=now()), self.instance.store.offload
        filter = await offload(sessions.looked_up, self.reader, filter)
        await stream(
            self,
            everything(self.reader.seen, filter, sort),
            sessions.EXPORTED,
            format=format,
            name="agnes-sessions",
            action=READ,
            params={"endpoint": "export", **asked(given)},
            dress=self.reader.named,
        )


class Neighbours(SessionsHandler):
    """The sessions before and after one in a list: for going on to the next."""

    async def get(self) -> None:
        given = self.query((*FILTERS, "sort", "session_file"))
        key = given.get("session_file")
        if key is None:
            raise BadParameter("session_file", "", "give session_file=<user>/<file>")
        sort, filter = sort_of(given.get("sort")), filter_of(given, now=now())
        offload, reader = self.instance.store.offload, self.reader
        found = await offload(sessions.neighbours, reader, filter, sort, key)
        await self.was_read("neighbours", asked(given))
        self.send(found)


class One(SessionsHandler):
    """One session's row and its verdict."""

    async def get(self, user: str, file: str) -> None:
        self.query(())
        key = f"{user}/{file}"

        def found() -> Row:
            row = sessions.summary(self.reader, key)
            return {**row, "judged": sessions.verdict_of(self.reader, key)}

        row = await self.instance.store.offload(found)
        await self.was_read("session", {"session_file": key})
        self.send(row)


class Findings(SessionsHandler):
    """Findings with the heatmap of the same filter; those of one session come all at once."""

    async def get(self) -> None:
        given = self.query((*FILTERS, *FINDING_TERMS, "limit", "cursor_ts", "cursor_id"))
        limit = integer(given, "limit", 50, 1, 500)
        after = After(*cursor(given))
        filter = filter_of(given, now=now())
        terms = {name: given[name] for name in FINDING_TERMS if name in given}

        def found() -> Row:
            if "session_file" in given:
                return self._of_session(given["session_file"], terms)
            wanted = FindingFilter(sessions.looked_up(self.reader, filter), terms)
            page = sessions.findings(self.reader, wanted, after, limit)
            heatmap = sessions.heatmap(self.reader, wanted)
            return {**page, "heatmap": heatmap["cells"], **heatmap}

        page = await self.instance.store.offload(found)
        await self.was_read("findings", {**asked(given), **terms})
        self.send(page)

    def _of_session(self, session_file: str, terms: Mapping[str, str]) -> Row:
        rows = sessions.of_session(self.reader, session_file)
        rows = [row for row in rows if all(row[name] == text for name, text in terms.items())]
        return {"rows": rows, "next_cursor": None}


ROUTES = [
    (r"/api/admin/sessions/list", Listed),
    (r"/api/admin/sessions/kpis", Kpis),
    (r"/api/admin/sessions/facets", Facets),
    (r"/api/admin/sessions/export", Export),
    (r"/api/admin/sessions/neighbours", Neighbours),
    (r"/api/admin/sessions/findings", Findings),
    (r"/api/admin/sessions/([A-Za-z0-9-]{1,64})/([A-Za-z0-9._-]{1,200}\.jsonl)", One),
]
