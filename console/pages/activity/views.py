"""The menu of saved views."""

from __future__ import annotations

from typing import Any

from console.pages.activity.reading import Reading


def read(reading: Reading) -> dict[str, Any]:
    return {}
