"""What can be done with what is filtered: keep it, take it along, start again."""

from __future__ import annotations

from typing import Any

from console.pages.activity.reading import Reading


def read(reading: Reading) -> dict[str, Any]:
    return {}
