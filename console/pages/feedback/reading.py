"""One reading of the inbox, or of a report, for one state: what every part is given."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from console.audit import Caller
from console.feedback.reading import Reader
from console.pages.feedback.state import FeedbackState
from console.queries.feedback_filter import FeedbackFilter

NEWEST = "last_at:desc"


@dataclass(frozen=True)
class Reading:
    """`filter` is the one filter of all parts. `is_known` is false where the URL asks for what
    cannot be asked. `report`: the one that is shown, as `console.feedback.reading.one` has it.
    `own`: the reader's own reports, as anybody sees theirs. `beat`: the page asks by itself."""

    reader: Reader
    caller: Caller
    state: FeedbackState
    at: datetime
    filter: FeedbackFilter = field(default_factory=FeedbackFilter)
    is_known: bool = False
    report: dict[str, Any] | None = None
    own: bool = False
    beat: bool = False

    @property
    def sort(self) -> str:
        return self.state.sort or NEWEST

    @property
    def is_open(self) -> bool:
        """Whether reports may still come into the window."""
        return self.filter.until is None

    def without(self, *names: str) -> FeedbackFilter:
        terms = {name: text for name, text in self.filter.terms.items() if name not in names}
        return replace(self.filter, terms=terms)
