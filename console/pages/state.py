"""What the reader of a list has chosen. All of it lives in the URL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Self

import param

from console.handler import integer
from console.pages import visits
from console.pages.time_range import LONG_SPANS
from console.queries.audit_grammar import WINDOW
from schema.errors import BadParameter

_PLACE = ("offset",)
FARTHEST = 10**9


class ListState(param.Parameterized):
    """One for each visit. A page names its `filters` as its API does, its `tabs` (the first one
    needs no word in the address) and, in `more`, what else it keeps there."""

    filters: ClassVar[Sequence[str]] = WINDOW
    tabs: ClassVar[Sequence[str]] = ()
    more: ClassVar[Sequence[str]] = ()
    spans: ClassVar[Sequence[tuple[str, str]]] = LONG_SPANS

    given = param.Dict(default={}, doc="Filter parameters, as the API names them.")
    sort = param.String(default="", doc="key:asc or key:desc; empty for the page's own order.")
    tab = param.String(default="", doc="One of `tabs`.")
    offset = param.Integer(default=0, bounds=(0, FARTHEST), doc="Rows before the first shown.")
    rest = param.Dict(default={}, doc="What `more` names, as far as it is given.")

    @classmethod
    def of(cls, query: str) -> Self:
        """The state that a URL's query holds. Raises BadParameter for unknown and repeated names
        and for a tab that there is not."""
        found = visits.asked(query, (*cls.filters, "sort", "tab", *_PLACE, *cls.more))
        tab = found.pop("tab", "")
        if tab and tab not in cls.tabs:
            raise BadParameter("tab", tab, "one of " + ", ".join(cls.tabs))
        offset = integer(found, "offset", 0, 0, FARTHEST)
        found.pop("offset", None)
        sort = found.pop("sort", "")
        rest = {name: found.pop(name) for name in cls.more if name in found}
        tab = tab or next(iter(cls.tabs), "")
        return cls(given=found, sort=sort, tab=tab, offset=offset, rest=rest)

    @property
    def asks(self) -> dict[str, str]:
        """What the state asks of the page, without the place in the list."""
        first = next(iter(self.tabs), "")
        own = {"sort": self.sort, "tab": "" if self.tab == first else self.tab}
        return {**self.given, **self.rest, **{name: text for name, text in own.items() if text}}

    def url(self, **changes: str | None) -> str:
        """The query of this state with `changes` (None takes one out). Whatever changes, the list
        starts at the top."""
        kept: dict[str, str | None] = {**self.asks}
        return visits.url({**kept, **changes})

    def sorted_by(self, key: str, now_by: str) -> str:
        """The query that sorts by `key`, the most first, or turns the direction where the list is
        sorted by it already. `now_by`: how it is sorted without a word."""
        by, _, direction = (self.sort or now_by).partition(":")
        turned = "asc" if by == key and direction != "asc" else "desc"
        return self.url(sort=f"{key}:{turned}")

    @property
    def window(self) -> dict[str, str]:
        """The window that was asked for, if any was."""
        return {name: self.given[name] for name in WINDOW if name in self.given}

    def has(self, **given: Any) -> bool:
        """Whether the filter asks for all of this."""
        return all(self.given.get(name) == text for name, text in given.items())

    def toggled(self, name: str, text: str) -> str:
        """The query with this filter, or without it where it stands already."""
        return self.url(**{name: None if self.given.get(name) == text else text})
