"""One reading of the telemetry for one state: what every part of the page is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from console.audit import Caller
from console.identity.rights import SESSIONS, may
from console.pages.telemetry.state import TelemetryState
from console.queries.telemetry_filter import TelemetryFilter
from console.telemetry import Reader


@dataclass(frozen=True)
class Reading:
    """`given`: the filter's parameters, with what the tab itself asks for; `filter`: the same, the
    one filter of all parts. `beat`: the page asks again by itself."""

    reader: Reader
    caller: Caller
    path: str
    state: TelemetryState
    at: datetime
    given: Mapping[str, str] = field(default_factory=dict)
    filter: TelemetryFilter = field(default_factory=TelemetryFilter)
    beat: bool = False

    @property
    def opens_sessions(self) -> bool:
        """Whether the reader may follow a figure into the sessions behind it."""
        return may(self.reader.principal, SESSIONS)
