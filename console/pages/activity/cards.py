"""The cards: each a figure with its denominator, and a quick filter."""

from __future__ import annotations

from typing import Any

from console import activity
from console.pages.activity.reading import Reading


def read(reading: Reading) -> dict[str, Any]:
    """The KPIs of the filter, and `people`: how many have an account."""
    people = reading.reader.instance.people.active()
    return {**activity.kpis(reading.reader, reading.filter), "people": people}
