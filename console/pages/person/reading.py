"""One reading of a person's page for one state: what every part of it is given."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from console.audit import Caller
from console.pages.person.state import PersonState
from console.queries.sessions import SessionFilter
from console.sessions import Reader


@dataclass(frozen=True)
class Reading:
    """`filter` asks for sessions of `owner` alone; `own`: it is their own page, and the reader
    sees no more than anybody would."""

    reader: Reader
    caller: Caller
    owner: str
    own: bool
    state: PersonState
    at: datetime
    filter: SessionFilter = field(default_factory=SessionFilter)
    beat: bool = False
