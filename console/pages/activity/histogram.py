"""The histogram above the table."""

from __future__ import annotations

from typing import Any

from console import activity
from console.pages.activity.reading import Reading


def read(reading: Reading) -> dict[str, Any]:
    """`bucket_seconds` and `buckets` of the filter."""
    return activity.histogram(reading.reader, reading.filter)
