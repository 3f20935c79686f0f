"""One reading of the audit log for one state: what every part of the page is given."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from console.activity import Reader
from console.audit import Caller
from console.pages.activity.state import ActivityState
from console.queries.audit_filter import AuditFilter
from console.queries.audit_grammar import Asked


@dataclass(frozen=True)
class Reading:
    """`filter` is the one filter of all parts; on `/me` (`own`) it is kept to the reader's rows.
    `asked` is None where the URL asks for what cannot be asked. `beat`: the page asks again by
    itself."""

    reader: Reader
    caller: Caller
    path: str
    own: bool
    state: ActivityState
    at: datetime
    asked: Asked | None = None
    filter: AuditFilter = field(default_factory=AuditFilter)
    beat: bool = False
