"""The cell at which an executed notebook ended, so that nobody has to look for it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import orjson

from console.jobs.kept import NOTEBOOK, Place
from schema.errors import NotFound

LONGEST = 6000  # characters of a traceback: its end says most
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class FailedCell:
    source: str
    traceback: str


def failed_cell(place: Place) -> FailedCell | None:
    """Of the run's kept notebook, None when it has no such cell or nothing was kept. Blocks."""
    try:
        book = orjson.loads(place.read(NOTEBOOK))
    except (NotFound, orjson.JSONDecodeError):
        return None
    for cell in book.get("cells", ()):
        for output in cell.get("outputs", ()):
            if output.get("output_type") == "error":
                said = _COLOUR.sub("", "\n".join(output.get("traceback", ())))
                return FailedCell(_text(cell.get("source", "")), said[-LONGEST:])
    return None


def _text(source: Any) -> str:
    return "".join(source)
