"""What waits, in one sentence. Its figures are those of the cards."""

from __future__ import annotations

from typing import Any

from console.pages.feedback.reading import Reading
from console.queries.feedback_filter import NONE


def read(reading: Reading) -> dict[str, Any]:
    """The queries of what the sentence names; `is_narrowed`: by more than a status."""
    state = reading.state
    return {
        "only_open": state.url(status="open"),
        "only_unassigned": state.url(assignee=NONE),
        "is_narrowed": bool(state.wanted.keys() - {"status"}),
    }
