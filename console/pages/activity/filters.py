"""The query box, the chips of what else is filtered, and what can be done with the result."""

from __future__ import annotations

from typing import Any

from console.pages.activity.reading import Reading


def read(reading: Reading) -> dict[str, Any]:
    """Nothing beside the state yet."""
    return {}
