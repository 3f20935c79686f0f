"""What the reader of the inbox has chosen. All of it lives in the URL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from console.feedback.asked import FILTERS
from console.pages.state import ListState
from console.pages.time_range import LONG_SPANS

ANY = "any"  # as a status: every one. The bare address shows the open ones
BARE = "status=open"
_PLACES = ("cursor_ts", "cursor_id", "newer", "top")


class FeedbackState(ListState):
    """`cursor_ts`, `cursor_id`: the report after which the page begins, with `newer` the one before
    which it ends. `top`: when the list was read that a beat asks about."""

    filters = tuple(name for name in FILTERS if name != "heads")
    more: ClassVar[Sequence[str]] = _PLACES
    spans: ClassVar[Any] = (*LONG_SPANS, ("", "all"))

    @property
    def wanted(self) -> dict[str, str]:
        """The filter as the API has it."""
        given = self.given
        return {name: text for name, text in given.items() if (name, text) != ("status", ANY)}

    @property
    def asks(self) -> dict[str, str]:
        return {name: text for name, text in super().asks.items() if name not in _PLACES}

    @property
    def cursor(self) -> dict[str, str]:
        return {name: self.rest[name] for name in _PLACES[:2] if name in self.rest}

    def toggled(self, name: str, text: str) -> str:
        """Without a status the bare address would show the open ones again."""
        if name == "status" and self.given.get(name) == text:
            return self.url(status=ANY)
        return super().toggled(name, text)


class ReportState(FeedbackState):
    """Of one report: the list that its reader comes from, and `all`: show the whole excerpt."""

    more = (*_PLACES, "all")

    @property
    def list(self) -> str:
        """The query of the list."""
        return self.url(all=None)
