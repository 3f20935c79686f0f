"""What the reader of the sessions has chosen. All of it lives in the URL."""

from __future__ import annotations

from console.pages.state import ListState
from console.session_filter import FILTERS


class SessionsState(ListState):
    """One for each visit."""

    filters = FILTERS
    more = ("lines",)  # of the lines found by their words, how many stand before the first shown

    def url(self, **changes: str | None) -> str:
        """The lines start at the top, too, unless nothing but the list is turned."""
        if changes.keys() != {"offset"}:
            changes.setdefault("lines", None)
        return super().url(**changes)
