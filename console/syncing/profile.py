"""What the columns of a published table hold, so that people see it before they ask."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def profile(path: Path) -> list[dict[str, Any]]:
    """By column `{name, type, nulls, distinct, min, max, top: [{value, count}]}`: `distinct` is
    near, `min` and `max` are texts or numbers, `top` are the values that stand there most often.
    Of columns of lists and structs only `nulls`."""
    raise NotImplementedError
