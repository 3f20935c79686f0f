"""What the cards are compared with: the same filter in the window of the same length before."""

from __future__ import annotations

from console import telemetry
from console.pages.before import Before
from console.pages.telemetry.cards import apart
from console.pages.telemetry.reading import Reading


def read(reading: Reading) -> Before | None:
    """None where the window before has no calls: then nothing is known of it."""
    since, until = telemetry.ends(reading.filter)
    window = reading.filter.between(since - (until - since), since)
    found = telemetry.kpis(reading.reader, window)
    return Before({**found, "apart": apart(found)}) if found["events_total"] else None
