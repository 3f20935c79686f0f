"""What the reader of the marketplaces has chosen. All of it lives in the URL."""

from __future__ import annotations

from typing import Self

from console.marketplace_use import SORTS
from console.pages.state import ListState
from schema.errors import BadParameter

POPULAR, PLUGINS, UNUSED, MARKETPLACES = "popular", "plugins", "unused", "marketplaces"


class MarketState(ListState):
    """`q`, `type`, `source`, `plugin` of items; `remove`: a marketplace that might be removed."""

    filters = ("q", "type", "source", "plugin")
    tabs = (POPULAR, PLUGINS, UNUSED, MARKETPLACES)
    more = ("remove",)

    @classmethod
    def of(cls, query: str) -> Self:
        """Raises BadParameter, also for an order that there is not."""
        state = super().of(query)
        if state.sort and state.sort not in SORTS:
            raise BadParameter("sort", state.sort, "one of " + ", ".join(SORTS))
        return state

    @property
    def remove(self) -> str:
        return str(self.rest.get("remove", ""))

    def of_tab(self, tab: str) -> str:
        """The query of another tab with the same filter."""
        return self.url(tab=None if tab == POPULAR else tab, remove=None)
