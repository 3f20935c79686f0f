"""The time range."""

from __future__ import annotations

from typing import Any

from console.pages.activity.reading import Reading

SPANS = (("60", "1 h"), ("360", "6 h"), ("1440", "24 h"), ("10080", "7 d"), ("43200", "30 d"))


def read(reading: Reading) -> dict[str, Any]:
    return {"spans": SPANS}
