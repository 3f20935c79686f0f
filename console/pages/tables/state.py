"""What the reader of `/admin/tables` has chosen. All of it lives in the URL."""

from __future__ import annotations

from typing import Self

from console.pages.state import ListState
from schema.errors import BadParameter

REGISTERED, INTERNAL = "registered", "internal"
FORMS = ("register", "change", "describe", "remove")


class TablesState(ListState):
    """`q`: words of names; `table`: the one that is open, by its id or name; `do`: the form that is
    open, `register` for a new table; `undo`: a change of it that might be undone."""

    filters = ("q",)
    tabs = (REGISTERED, INTERNAL)
    more = ("table", "do", "undo")

    @classmethod
    def of(cls, query: str) -> Self:
        """Raises BadParameter, also for a form that there is not."""
        state = super().of(query)
        if state.do and state.do not in FORMS:
            raise BadParameter("do", state.do, "one of " + ", ".join(FORMS))
        return state

    @property
    def table(self) -> str:
        return str(self.rest.get("table", ""))

    @property
    def do(self) -> str:
        return str(self.rest.get("do", ""))

    @property
    def undo(self) -> str:
        return str(self.rest.get("undo", ""))

    @property
    def q(self) -> str:
        return str(self.given.get("q", ""))

    def at(self, table: str | None, **changes: str | None) -> str:
        """The query that opens this table, or the list, with no form unless `changes` say so."""
        return self.url(**{"table": table, "do": None, "undo": None, **changes})
