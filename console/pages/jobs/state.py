"""What the reader of `/admin/jobs` has chosen. All of it lives in the URL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from console.handler import integer
from console.pages import visits
from schema.errors import BadParameter

_FILTER = ("job", "status")
_NAMES = (*_FILTER, "offset", "run", "with", "ask")


@dataclass(frozen=True)
class JobsState:
    """`run`: the one that is open; `with`: another one, to compare it with; `ask`: the job whose
    form is open."""

    given: Mapping[str, str] = field(default_factory=dict)
    offset: int = 0

    @classmethod
    def of(cls, query: str) -> JobsState:
        """The state that a URL's query holds. Raises BadParameter."""
        found = visits.asked(query, _NAMES)
        offset = integer(found, "offset", 0, 0, 10**9)
        if "with" in found and "run" not in found:
            raise BadParameter("with", found["with"], "a second run beside `run`")
        return cls({name: text for name, text in found.items() if name != "offset"}, offset)

    @property
    def filter(self) -> dict[str, str]:
        return {name: text for name, text in self.given.items() if name in _FILTER}

    def url(self, **changes: str | int | None) -> str:
        """The query of this state with `changes` (None takes one out; `other` stands for `with`). A
        changed filter starts at the top, another run is compared with none, and a form that was
        open is closed."""
        if "other" in changes:
            changes["with"] = changes.pop("other")
        elif "run" in changes:
            changes["with"] = None
        changes.setdefault("ask", None)
        offset = None if changes.keys() & set(_FILTER) else self.offset
        wanted = {**self.given, "offset": offset, **changes}
        return visits.url({name: str(text) for name, text in wanted.items() if text})
