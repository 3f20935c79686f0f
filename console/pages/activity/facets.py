"""The facets beside the table: what there is, how often, to include or exclude."""

from __future__ import annotations

from typing import Any

from console import activity
from console.pages.activity.reading import Reading


def read(reading: Reading) -> dict[str, Any]:
    return activity.facets(reading.reader, reading.filter)
