"""What the cards are compared with: the same filter in the window of the same length before."""

from __future__ import annotations

from console import activity
from console.pages.activity.reading import Reading
from console.pages.before import Before


def read(reading: Reading) -> Before | None:
    """None where the window before has no rows, or reaches beyond what the log holds."""
    found = activity.before(reading.reader, reading.filter)
    return None if found is None else Before(found)
