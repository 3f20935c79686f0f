"""The inbox: what the page's parts are, and what its address asks of them."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from console.audit import Caller, now
from console.feedback.asked import filter_of
from console.feedback.reading import READ, Reader
from console.identity.rights import FEEDBACK
from console.instance import Instance
from console.pages import time_range
from console.pages.feedback import actions, cards, facets, filters, rows, sentence
from console.pages.feedback.reading import Reading
from console.pages.feedback.state import BARE, FeedbackState
from console.pages.parts import Part, PartsPage
from console.queries.feedback_filter import FeedbackFilter


def _range(reading: Reading) -> Any:
    """A window without an end reaches until now."""
    filter = reading.filter
    until = reading.at if filter.since and filter.until is None else filter.until
    return time_range.read(replace(reading, filter=replace(filter, until=until)))


PARTS: tuple[Part[Reading], ...] = (
    Part("sentence", sentence.read, beats=True),
    Part("range", _range, alone=True, template="parts/range.html"),
    Part("cards", cards.read, beats=True),
    Part("filters", filters.read, beats=True, alone=True),
    Part("actions", actions.read, beats=True, alone=True),
    Part("facets", facets.read, beats=True, template="parts/facets.html"),
    Part("fresh", rows.fresh, beats=True),
    Part("rows", rows.read),
)


class FeedbackPage(PartsPage[Reading]):
    """What people report, in groups of the same thing."""

    path = "/admin/feedback"
    title = "Feedback"
    about = "what people report, and what became of it"
    section: str | None = "Activity Center"
    shortcut = "g f"
    right = FEEDBACK
    template = "feedback.html"
    folder = "feedback"
    parts = PARTS
    counts = "report"
    styles: Sequence[str] = (
        *(f"parts/{name}.css" for name in ("cards", "facets")),
        *(f"activity/{name}.css" for name in ("layout", "filters", "pulse", "actions")),
        "feedback/report.css",
        "feedback/list.css",
    )
    scripts: Sequence[str] = (
        *(f"parts/{name}.js" for name in ("facets", "rows")),
        "activity/actions.js",
        *(f"feedback/{name}.js" for name in ("acts", "list")),
    )
    ranged = True

    async def opened(self, instance: Instance, caller: Caller, query: str) -> str:
        """The bare address is an inbox: what is open."""
        return query or BARE

    def begun(self, instance: Instance, caller: Caller, *, beat: bool) -> Reading:
        return Reading(Reader(instance, caller.me), caller, FeedbackState(), now(), beat=beat)

    def stated(self, reading: Reading, query: str) -> Reading:
        return replace(reading, state=FeedbackState.of(query))

    async def filtered(self, reading: Reading) -> Reading:
        return await reading.reader.instance.store.offload(filtered, reading)

    def unfiltered(self, reading: Reading) -> Reading:
        return replace(reading, filter=FeedbackFilter(), is_known=False)

    def noted(self, reading: Reading) -> Sequence[Awaitable[Any]]:
        params = {"endpoint": "page", **reading.state.wanted}
        return (reading.reader.instance.was_read(reading.caller, READ, params),)


def filtered(reading: Reading) -> Reading:
    """With the filter that the state asks for. Raises BadParameter."""
    instance, me = reading.reader.instance, reading.caller.me
    ask = partial(filter_of, now=reading.at, instance=instance, me=me)
    return replace(reading, filter=ask(reading.state.wanted), is_known=True)
