"""One reading of the sessions for one state: what every part of the page is given."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from console.audit import Caller
from console.pages.sessions.state import SessionsState
from console.queries.sessions import SessionFilter
from console.sessions import Reader


@dataclass(frozen=True)
class Reading:
    """`filter` is the one filter of all parts, its search looked up, and `sort` the list's order,
    checked. `is_known` is false where the URL asks for what cannot be asked. `beat`: the page asks
    again by itself."""

    reader: Reader
    caller: Caller
    state: SessionsState
    at: datetime
    filter: SessionFilter = field(default_factory=SessionFilter)
    sort: str = ""
    is_known: bool = False
    beat: bool = False

    @property
    def is_open(self) -> bool:
        """Whether the window reaches until now, so that sessions may still come into it."""
        return self.filter.until == self.at
