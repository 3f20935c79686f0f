"""The side panel: one event with everything about it."""

from __future__ import annotations

from typing import Any

from console import activity
from console.pages.activity.reading import Reading


def read(reading: Reading) -> dict[str, Any] | None:
    """The event in the panel; None while it is closed. Raises NotFound."""
    if not reading.state.row:
        return None
    return activity.one(reading.reader, reading.state.row)
