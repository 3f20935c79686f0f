"""What the reader of a replay has chosen: the list they came from, the kinds of events, the words
they look for. All of it lives in the URL; the event that they are at is its hash."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Self

from console.handler import integer
from console.pages import visits
from console.pages.state import FARTHEST, ListState
from console.session_filter import FILTERS
from console.transcript import transcripts
from console.transcript.transcripts import KINDS
from schema.errors import BadParameter

_LONGEST = 200  # characters to look for
_OWN = ("kinds", "find", "from")


class ReplayState(ListState):
    """`given` and `sort` are those of the list of sessions; its place in that list is kept for the
    way back."""

    filters: ClassVar[Sequence[str]] = FILTERS
    more: ClassVar[Sequence[str]] = _OWN

    @classmethod
    def of(cls, query: str) -> Self:
        """Raises BadParameter."""
        state = super().of(query)
        transcripts.kinds_of(state.rest.get("kinds"))
        integer(state.rest, "from", 0, 0, FARTHEST)
        if len(state.find) > _LONGEST:
            raise BadParameter("find", state.find, f"at most {_LONGEST} characters")
        return state

    @property
    def kinds(self) -> frozenset[str] | None:
        """The kinds of events that are shown; None for all."""
        return transcripts.kinds_of(self.rest.get("kinds"))

    @property
    def find(self) -> str:
        return str(self.rest.get("find", ""))

    @property
    def first(self) -> int:
        """The first event shown, counted as `transcripts.events` counts; for a browser without
        scripts, which goes from page to page."""
        return integer(self.rest, "from", 0, 0, FARTHEST)

    def url(self, **changes: str | None) -> str:
        """The query of this state with `changes`; another choice of events begins at the top."""
        kept: dict[str, str | None] = {**self.asks, "from": None}
        if self.offset:
            kept["offset"] = str(self.offset)
        return visits.url({**kept, **changes})

    @property
    def of_list(self) -> dict[str, str]:
        """What the list of sessions was asked for."""
        return {**self.given, **({"sort": self.sort} if self.sort else {})}

    @property
    def back(self) -> str:
        """The query that leads back to the list as it was left."""
        place = {"offset": str(self.offset) if self.offset else None}
        return visits.url({**self.of_list, **place})

    def other(self) -> str:
        """The query of another session of the same list, seen in the same way."""
        return self.url(find=None)

    def with_kind(self, kind: str) -> str:
        """The query with this kind of events chosen, too, or no longer."""
        chosen = self.kinds or frozenset()
        chosen = chosen ^ {kind}
        return self.url(kinds=",".join(one for one in KINDS if one in chosen) or None)
