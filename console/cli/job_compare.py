"""`agnes jobs compare`: two runs of a job beside each other, as text."""

from __future__ import annotations

import json
from typing import Any

from console.cli.output import Column, Row, field, moment, note, say, show_table
from console.cli.text import plain

SIDES = (
    Column("", field("what")),
    Column("OTHER", field("one"), floor=8),  # as on the page: what was before stands left
    Column("RUN", field("other"), floor=8),
)


def show(both: Row) -> None:
    """What `/api/admin/jobs/runs/<id>/compare` answers."""
    one, other = both["runs"]
    took, asserts = both["duration_ms"], both["asserts"]
    rows = [
        {"what": "run", "one": one["id"], "other": other["id"]},
        {"what": "asked", **_both(moment, one["queued_at"], other["queued_at"])},
        {"what": "status", "one": one["status"], "other": other["status"]},
        {"what": "took", **_both(_seconds, took["one"], took["other"])},
        {"what": "asserts", **_both(_held, asserts["one"], asserts["other"])},
    ]
    rows += [
        {"what": ("  " if part["same"] else "≠ ") + part["name"], **_both(json.dumps, *_of(part))}
        for part in both["parameters"]
    ]
    show_table(SIDES, rows)
    if not all(both["kept"]):
        note("not both have kept their notebook: their outputs cannot be compared")
        return
    differing = [cell for cell in both["cells"] if not cell["same"]]
    note(f"{len(differing)} of {len(both['cells'])} cells say something else")
    for cell in differing:
        say(f"\ncell {cell['number']}: {plain(cell['title'])}")
        for sign, text in cell["lines"]:
            say(f"{plain(sign)} {plain(text)}".rstrip())


def _both(told: Any, one: Any, other: Any) -> dict[str, str]:
    return {"one": told(one), "other": told(other)}


def _of(part: Row) -> tuple[Any, Any]:
    return part["one"], part["other"]


def _seconds(spent: int | None) -> str:
    return "–" if spent is None else f"{spent / 1000:.1f} s"


def _held(asserts: Row | None) -> str:
    return "–" if asserts is None else f"{asserts['held']} of {asserts['of']} held"
