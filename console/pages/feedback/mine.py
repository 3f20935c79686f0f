"""One's own reports: what became of each."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import replace
from typing import Any

from console import links
from console.audit import Caller, now
from console.feedback import reading as feedback
from console.feedback.reading import READ, Reader
from console.handler import cursor, flag
from console.identity.rights import SIGNED_IN, Right
from console.instance import Instance
from console.pages.feedback.reading import Reading
from console.pages.feedback.rows import iso_exact
from console.pages.feedback.state import FeedbackState
from console.pages.parts import Part, PartsPage
from console.queries.feedback_filter import FeedbackFilter

ROWS = 50
_NEWEST = "created_at:desc"


class MyState(FeedbackState):
    filters = ("status", "q")


def rows(reading: Reading) -> dict[str, Any]:
    """`rows`, each with its `href`; `total`; `next` and `prev`: the queries of the pages beside."""
    state, reader = reading.state, reading.reader
    sort = state.sort or _NEWEST
    by = feedback.order(reader, sort, *cursor(state.cursor), newer=flag(state.rest, "newer"))
    page = feedback.listing(reader, reading.filter, by, ROWS)

    def beside(place: dict[str, Any] | None, **more: str) -> str | None:
        if place is None:
            return None
        return state.url(cursor_ts=iso_exact(place["ts"]), cursor_id=place["id"], **more)

    return {
        "rows": [{**row, "href": links.report(row["id"], own=True)} for row in page.rows],
        "total": page.total,
        "next": beside(page.next),
        "prev": beside(page.prev, newer="true"),
    }


def count(reader: Reader) -> int:
    """How many reports somebody has sent."""
    mine = FeedbackFilter(heads=False)
    return int(feedback.kpis(reader.own(), mine)["reports"])


class MyReportsPage(PartsPage[Reading]):
    """`/me/reports`."""

    path = "/me/reports"
    title = "My reports"
    about = "what you sent with agnes report, and what became of it"
    shortcut = "g r"
    right: Right = SIGNED_IN
    template = "my-reports.html"
    folder = "feedback"
    parts: Sequence[Part[Reading]] = (
        Part("my_tabs", lambda reading: count(reading.reader), alone=True),
        Part("my_rows", rows, beats=True),
    )
    styles: Sequence[str] = ("feedback/report.css", "feedback/mine.css")
    scripts: Sequence[str] = ("parts/rows.js", "feedback/mine.js")

    def begun(self, instance: Instance, caller: Caller, *, beat: bool) -> Reading:
        reader = Reader(instance, caller.me).own()
        return Reading(reader, caller, MyState(), now(), own=True, beat=beat)

    def stated(self, reading: Reading, query: str) -> Reading:
        state = MyState.of(query)
        terms = dict(state.given)
        if "q" in terms:
            terms["q"] = terms["q"].lower()
        filter = FeedbackFilter(terms=terms, heads=False)
        return replace(reading, state=state, filter=filter, is_known=True)

    def noted(self, reading: Reading) -> Sequence[Awaitable[Any]]:
        params = {"endpoint": "me/reports", **reading.state.given}
        return (reading.reader.instance.was_read(reading.caller, READ, params),)
