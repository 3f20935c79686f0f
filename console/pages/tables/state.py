"""What the reader of `/admin/tables` has chosen. All of it lives in the URL."""

from __future__ import annotations

from typing import Self

from console.pages.state import ListState
from schema.errors import BadParameter

REGISTERED, INTERNAL = "registered", "internal"
SOURCES = ("local", "files", "url", "sql")  # a tab, and a form that registers, for each
FORMS = ("register", "change", "describe", "remove")


class TablesState(ListState):
    """`q`: words of names; `table`: the one that is open, by its id or name; `do`: the form that is
    open, `register` for a new table, from `source`; `undo`: a change of it that might be undone."""

    filters = ("q",)
    tabs = (REGISTERED, *SOURCES, INTERNAL)
    more = ("table", "do", "source", "undo")

    @classmethod
    def of(cls, query: str) -> Self:
        """Raises BadParameter, also for a form that there is not."""
        state = super().of(query)
        if state.do and state.do not in FORMS:
            raise BadParameter("do", state.do, "one of " + ", ".join(FORMS))
        if state.source not in SOURCES:
            raise BadParameter("source", state.source, "one of " + ", ".join(SOURCES))
        return state

    @property
    def table(self) -> str:
        return str(self.rest.get("table", ""))

    @property
    def do(self) -> str:
        return str(self.rest.get("do", ""))

    @property
    def source(self) -> str:
        """Of the form that registers: what is said, else that of the tab."""
        of_tab = self.tab if self.tab in SOURCES else SOURCES[0]
        return str(self.rest.get("source", of_tab))

    @property
    def undo(self) -> str:
        return str(self.rest.get("undo", ""))

    @property
    def q(self) -> str:
        return str(self.given.get("q", ""))

    def at(self, table: str | None, **changes: str | None) -> str:
        """The query that opens this table, or the list, with no form unless `changes` say so."""
        return self.url(**{"table": table, "do": None, "source": None, "undo": None, **changes})
