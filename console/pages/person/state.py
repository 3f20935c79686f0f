"""What the reader of somebody's page has chosen. All of it lives in the URL."""

from __future__ import annotations

from typing import ClassVar, Self

from console.pages.state import ListState
from console.session_filter import FILTERS
from schema.errors import BadParameter

NEWEST = "uploaded_at:desc"
FORMS = ("change", "deactivate")  # of the tab Access
MONTH = "43200"  # minutes: what is looked at without a word


class PersonState(ListState):
    """The filter of the sessions page, without whose sessions they are."""

    filters = tuple(name for name in FILTERS if name not in ("user_id", "username"))


class UserState(PersonState):
    """`do`: the form that is open; `done`: the event of what a button has just done."""

    tabs: ClassVar = ("sessions", "activity", "access")
    more: ClassVar = ("do", "done")

    @classmethod
    def of(cls, query: str) -> Self:
        """Raises BadParameter, also for a form that there is not."""
        state = super().of(query)
        if state.do and state.do not in FORMS:
            raise BadParameter("do", state.do, "one of " + ", ".join(FORMS))
        return state

    @property
    def asks(self) -> dict[str, str]:
        return {name: text for name, text in super().asks.items() if name not in self.more}

    @property
    def do(self) -> str:
        return str(self.rest.get("do", ""))

    @property
    def done(self) -> str:
        return str(self.rest.get("done", ""))


class MyState(PersonState):
    tabs: ClassVar = ("sessions", "looks")
