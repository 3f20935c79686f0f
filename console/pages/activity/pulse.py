"""The health pulse above the log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from console.pages import shell
from console.pages.activity.reading import Reading


def read(reading: Reading) -> Mapping[str, Any] | None:
    """The pulse; None on one's own page and for those who may not see it."""
    return None if reading.own else shell.health(reading.reader.instance, reading.reader.principal)
