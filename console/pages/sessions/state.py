"""What the reader of the sessions has chosen. All of it lives in the URL."""

from __future__ import annotations

from console.pages.state import ListState
from console.session_filter import FILTERS


class SessionsState(ListState):
    """One for each visit."""

    filters = FILTERS
    more = ("lines",)  # of the lines found by their words, how many stand before the first shown
