"""Two runs of one job beside each other: what they were given, how long they took, what their
asserts and outputs say, and where these differ.

Read from the kept notebooks, which are clean of secrets already. Everything here blocks.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import unescape
from typing import Any, TypeAlias

import orjson

from console.jobs.kept import NOTEBOOK, Place
from schema.errors import BadRequest, NotFound

Row: TypeAlias = dict[str, Any]
SAME, ONE, OTHER, LEFT_OUT = " ", "-", "+", "…"
_AROUND = 2  # lines shown around what differs
_MOST = 400  # lines of one output that are compared
_WIDEST = 400  # characters of a line
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_TAG = re.compile(r"<[^>]*>")
_ASSERT = re.compile(r"^\s*assert\b", re.MULTILINE)
_CHANGES = ("image/svg+xml", "image/png")  # told as a picture, not as its bytes


@dataclass(frozen=True)
class Cell:
    """One code cell of a kept notebook. `state`: ok, failed or not run."""

    source: str
    output: str
    state: str
    asserts: int


def compare(one: Row, other: Row, places: Sequence[Place]) -> Row:
    """`one` and `other` are rows as `board.shown` gives them; `{runs, parameters: [{name, one,
    other, same}], duration_ms: {one, other, change_pct}, asserts: {one, other: {held, failed,
    of} | None}, cells: [{number, title, same, source_same, lines: [[sign, text]]}], kept: [bool]}`.
    Raises BadRequest for runs of two jobs."""
    if one["job"] != other["job"]:
        raise BadRequest(
            f"these are runs of two jobs: {one['job']} and {other['job']}",
            detail="Compare two runs of one job.",
        )
    books = [_cells(place) for place in places]
    return {
        "runs": [one, other],
        "parameters": _parameters(one["parameters"], other["parameters"]),
        "duration_ms": _durations(one["duration_ms"], other["duration_ms"]),
        "asserts": dict(zip(("one", "other"), map(_asserts, books), strict=True)),
        "cells": _pairs(*books),
        "kept": [book is not None for book in books],
    }


def _parameters(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[Row]:
    return [
        {
            "name": name,
            "one": one.get(name),
            "other": other.get(name),
            "same": one.get(name) == other.get(name),
        }
        for name in {**one, **other}
    ]


def _durations(one: int | None, other: int | None) -> Row:
    change = round(100 * (other - one) / one, 1) if one and other is not None else None
    return {"one": one, "other": other, "change_pct": change}


def _asserts(cells: Sequence[Cell] | None) -> Row | None:
    """How many asserts stood in cells that went through, and in the one that failed."""
    if cells is None:
        return None
    held = sum(cell.asserts for cell in cells if cell.state == "ok")
    failed = sum(cell.asserts for cell in cells if cell.state == "failed")
    return {"held": held, "failed": failed, "of": sum(cell.asserts for cell in cells)}


def _pairs(one: Sequence[Cell] | None, other: Sequence[Cell] | None) -> list[Row]:
    """Cells by their place. Where both are the same nothing but that is told."""
    nothing = Cell("", "", "not run", 0)
    ones, others = one or (), other or ()
    found = []
    for number in range(max(len(ones), len(others))):
        left = ones[number] if number < len(ones) else nothing
        right = others[number] if number < len(others) else nothing
        same = (left.output, left.state) == (right.output, right.state)
        found.append(
            {
                "number": number + 1,
                "title": _title(right.source or left.source),
                "same": same,
                "source_same": left.source == right.source,
                "states": [left.state, right.state],
                "lines": [] if same else lines(left.output, right.output),
            }
        )
    return found


def lines(one: str, other: str) -> list[list[str]]:
    """The lines in which two texts differ, with some around them, as `[sign, text]`."""
    left, right = (_cut(text.splitlines()) for text in (one, other))
    found: list[list[str]] = []
    matcher = difflib.SequenceMatcher(None, left, right, autojunk=False)
    for group in matcher.get_grouped_opcodes(_AROUND):
        if found or group[0][1]:
            found.append([LEFT_OUT, ""])
        for kind, a, b, c, d in group:
            if kind == "equal":
                found += [[SAME, text] for text in left[a:b]]
            else:
                found += [[ONE, text] for text in left[a:b]]
                found += [[OTHER, text] for text in right[c:d]]
    return found


def _cut(texts: Sequence[str]) -> list[str]:
    kept = [text if len(text) <= _WIDEST else f"{text[: _WIDEST - 1]}…" for text in texts[:_MOST]]
    more = len(texts) - _MOST
    return [*kept, f"… {more} more lines"] if more > 0 else kept


def _cells(place: Place) -> list[Cell] | None:
    """The code cells of a kept notebook; None where none was kept."""
    try:
        book = orjson.loads(place.read(NOTEBOOK))
    except (NotFound, orjson.JSONDecodeError):
        return None
    return [_cell(cell) for cell in book.get("cells", ()) if cell.get("cell_type") == "code"]


def _cell(cell: Mapping[str, Any]) -> Cell:
    source, outputs = _text(cell.get("source", "")), cell.get("outputs", ())
    failed = any(output.get("output_type") == "error" for output in outputs)
    ran = failed or cell.get("execution_count") is not None
    state = "failed" if failed else "ok" if ran else "not run"
    told = "\n".join(filter(None, map(_told, outputs)))
    return Cell(source, _COLOUR.sub("", told), state, len(_ASSERT.findall(source)))


def _told(output: Mapping[str, Any]) -> str:
    """What an output says as text."""
    if output.get("output_type") == "error":
        return f"{output.get('ename')}: {output.get('evalue')}"
    if "text" in output:
        return _text(output["text"]).rstrip("\n")
    data = output.get("data", {})
    if "text/markdown" in data:
        return _text(data["text/markdown"])
    if "text/html" in data:
        return _table(_text(data["text/html"]))
    if any(kind in data for kind in _CHANGES):
        return _picture(data)
    return _text(data.get("text/plain", ""))


def _picture(data: Mapping[str, Any]) -> str:
    """A picture as the texts in it, or as none."""
    drawn = _text(data.get("image/svg+xml", ""))
    texts = [unescape(text).strip() for text in re.findall(r"<text[^>]*>([^<]*)</text>", drawn)]
    return "[picture] " + " · ".join(filter(None, texts))


def _table(html: str) -> str:
    """A table of HTML as lines."""
    rows = re.sub(r"</(tr|p|div|h\d|li)>", "\n", html)
    cells = re.sub(r"</t[dh]>", " | ", rows)
    told = (" ".join(unescape(_TAG.sub("", line)).split()) for line in cells.splitlines())
    return "\n".join(filter(None, told))


def _title(source: str) -> str:
    """The first line of a cell that says something."""
    return next((line.strip() for line in source.splitlines() if line.strip()), "")[:80]


def _text(source: Any) -> str:
    return "".join(source)
