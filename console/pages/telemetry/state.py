"""What the reader of the telemetry has chosen. All of it lives in the URL."""

from __future__ import annotations

from typing import ClassVar

from console.pages.state import ListState
from console.telemetry import FILTERS

TABS = ("tools", "skills", "subagents", "mcp", "users", "performance", "queries", "cost")
# What belongs to a tab and goes with it. `group_by`: of the table; `stack`: the parts of a bar;
# `kind`, `popular`: of what is popular, and its order; all others: of the pivot.
OF_TAB = ("group_by", "stack", "kind", "popular", "rows", "columns", "measure", "size")


class TelemetryState(ListState):
    filters = FILTERS
    tabs = TABS
    more: ClassVar = OF_TAB

    def of_tab(self, tab: str) -> str:
        """The query of another tab with the same filter."""
        gone = dict.fromkeys(self.more)
        return self.url(**gone, sort=None, tab=tab_word(tab))


def tab_word(tab: str) -> str | None:
    """How an address names a tab; the first one needs no word."""
    return None if tab == TABS[0] else tab
