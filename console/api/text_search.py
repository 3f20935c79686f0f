"""`/api/admin/sessions/search`: lines of transcripts by their words. SPEC section 13."""

from __future__ import annotations

from dataclasses import replace

from console.api.sessions import SessionsHandler
from console.audit import now
from console.handler import integer
from console.queries.sessions import SessionFilter
from console.session_filter import WINDOW
from console.sessions import FILTERS, Row, filter_of
from console.transcript import text_search
from schema.errors import BadParameter


class Search(SessionsHandler):
    """`q`, and the parameters of the list; without a window all there is. `session_file` asks for
    every line of one session."""

    async def get(self) -> None:
        given = self.query((*FILTERS, "session_file", "limit", "offset"))
        limit = integer(given, "limit", 50, 1, 200)
        offset = integer(given, "offset", 0, 0, 10**9)
        if "q" not in given:
            raise BadParameter("q", "", "give words to search for")
        wanted = {name: text for name, text in given.items() if name not in ("limit", "offset")}
        q, one = given["q"], given.get("session_file")
        within = _within(wanted)

        def found() -> Row:
            return text_search.search(
                self.reader, q, limit=limit, offset=offset, within=within, session_file=one
            )

        page = await self.instance.store.offload(found)
        await self.was_read("search", wanted)
        self.send(page)


def _within(wanted: dict[str, str]) -> SessionFilter | None:
    """Which sessions are searched: of those one may see, the ones that match what was given beside
    `q`; None for all. Raises BadParameter, also for a bad `q`."""
    filter = filter_of({name: wanted[name] for name in wanted if name != "session_file"}, now=now())
    terms = {name: value for name, value in filter.terms.items() if name != "q"}
    if not set(wanted) - {"q", "session_file"}:
        return None
    if not set(wanted) & set(WINDOW):
        filter = replace(filter, since=None, until=None)
    return replace(filter, terms=terms)


ROUTES = [(r"/api/admin/sessions/search", Search)]
