"""What the cards are compared with: the same filter in the window of the same length before."""

from __future__ import annotations

from console import telemetry
from console.pages.before import Before
from console.pages.telemetry.cards import apart
from console.pages.telemetry.reading import Reading


def read(reading: Reading) -> Before | None:
    found = telemetry.before(reading.reader, reading.filter)
    return None if found is None else Before({**found, "apart": apart(found)})
