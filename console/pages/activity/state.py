"""What the reader of the audit log has chosen. All of it lives in the URL."""

from __future__ import annotations

from typing import Any, ClassVar

import param

from console.pages import visits
from console.pages.time_range import SPANS
from console.queries import typed_words
from console.queries.audit_grammar import PARAMETERS, WINDOW
from schema.errors import BadParameter

TABS = ("timeline", "sync", "changes", "queries", "performance", "usage")
_PLACE = ("cursor_ts", "cursor_id", "newer")  # where in the list
_PANEL = ("row", "undo")  # what stands beside the list
_OURS = ("sort", "tab", "view", "looked", "top", *_PLACE, *_PANEL)


class ActivityState(param.Parameterized):
    """One for each visit. `given` are the filter's parameters, as the API names them."""

    spans: ClassVar = SPANS

    given = param.Dict(default={}, doc="Filter parameters, as the API names them.")
    sort = param.String(default="", doc="column:asc or column:desc; empty for newest first.")
    tab: Any = param.Selector(default="timeline", objects=list(TABS))
    view = param.String(default="", doc="The saved view this began with; `none` for none.")
    looked = param.String(default="", doc="When that view was opened before; `never` for never.")
    cursor = param.Tuple(default=("", ""), length=2, doc="Time and id of the row at the edge.")
    newer = param.Boolean(default=False, doc="It ends before the cursor, not begins after.")
    top = param.String(default="", doc="`time,id` of the list's first row, at a beat.")
    row = param.String(default="", doc="Id of the event in the side panel.")
    undo = param.Boolean(default=False, doc="The side panel shows what undoing would do.")

    @classmethod
    def of(cls, query: str) -> ActivityState:
        """The state that a URL's query holds. Raises BadParameter for unknown and repeated
        names."""
        found = visits.asked(query, (*PARAMETERS, *_OURS))
        ours = {name: found.pop(name, "") for name in _OURS}
        if ours["tab"] not in ("", *TABS):
            raise BadParameter("tab", ours["tab"], "one of " + ", ".join(TABS))
        return cls(
            given=found,
            sort=ours["sort"],
            tab=ours["tab"] or TABS[0],
            view=ours["view"],
            looked=ours["looked"],
            cursor=(ours["cursor_ts"], ours["cursor_id"]),
            newer=bool(ours["newer"]),
            top=ours["top"],
            row=ours["row"],
            undo=bool(ours["undo"] and ours["row"]),
        )

    def url(self, **changes: str | None) -> str:
        """The query of this state with `changes` (None takes one out). Only what stands beside the
        list leaves the place in it; whatever else changes, it starts at the top."""
        kept: dict[str, str | None] = {**self.given, "sort": self.sort, "view": self.view}
        kept["looked"] = self.looked
        kept["tab"] = "" if self.tab == TABS[0] else self.tab
        if changes.keys() <= set(_PANEL):
            kept |= dict(zip(_PLACE, (*self.cursor, "1" if self.newer else ""), strict=True))
        kept["row"] = self.row
        return visits.url({**kept, **changes})

    def sorted_by(self, column: str) -> str:
        """The query that sorts by `column`, or turns the direction where it is sorted by it
        already."""
        now_by, _, direction = (self.sort or "timestamp:desc").partition(":")
        turned = "asc" if now_by == column and direction != "asc" else "desc"
        return self.url(sort=f"{column}:{turned}")

    def has(self, field: str, value: str, *, excluded: bool = False) -> bool:
        """Whether the typed query asks for this value (or its opposite)."""
        return typed_words.has(self.given.get("query", ""), field, value, excluded=excluded)

    def toggled(self, field: str, value: str, *, excluded: bool = False) -> str:
        """The URL's query with this value (or, `excluded`, its opposite) typed; without it, where
        it stands already."""
        text = self.given.get("query", "")
        return self.url(query=typed_words.toggled(text, field, value, excluded=excluded))

    @property
    def kept(self) -> dict[str, str]:
        """What a saved view keeps of it: filter, order and tab, without the place in the list and
        what stands beside it."""
        given = {**self.given, "sort": self.sort}
        given["tab"] = "" if self.tab == TABS[0] else self.tab
        return {name: text for name, text in given.items() if text}

    @property
    def asks(self) -> dict[str, str]:
        """What a new window leaves as it is."""
        opened = {"view": self.view, "looked": self.looked}
        return {**self.kept, **{name: text for name, text in opened.items() if text}}

    @property
    def window(self) -> dict[str, str]:
        """The window that was asked for, if any was."""
        return {name: self.given[name] for name in WINDOW if name in self.given}

    @property
    def is_first_page(self) -> bool:
        return not self.cursor[1]
