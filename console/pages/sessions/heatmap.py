"""The heatmap: what went wrong, by kind and week, and the way to the sessions in which it did.

It is a chart for the pointer and a table of links for everybody else; both set the same words of
the filter: a cell its kind and its week, a box of cells a window and a kind (or any, of several).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from console import sessions
from console.pages.render import iso
from console.pages.sessions.reading import Reading
from console.queries.sessions import ANY
from console.session_filter import ends

KIND, WEEK = "has_finding", "week"  # the words of the filter


@dataclass(frozen=True)
class Cell:
    """`url` leads to its sessions, or, where it is chosen, back to all."""

    kind: str
    findings: int
    sessions: int
    is_chosen: bool
    url: str


@dataclass(frozen=True)
class Line:
    """A week of the table."""

    week: date
    is_chosen: bool
    url: str
    cells: list[Cell]


def read(reading: Reading) -> dict[str, Any]:
    """The answer of `sessions.heatmap` with `lines`, the newest week first; `kinds` `{name, url,
    is_chosen}`; `most`, the findings of the fullest cell; `chosen`, the words of the filter that
    stand in the heatmap; `mark`, which changes with all of this; `bounds` of the window."""
    state = reading.state
    found = sessions.heatmap(reading.reader, reading.filter)
    given = {name: state.given[name] for name in (KIND, WEEK) if name in state.given}
    chosen = {name: text for name, text in given.items() if text != ANY}
    since, until = ends(reading.filter)
    return {
        **found,
        "mark": "-".join((found["mark"], *given.values())),
        "chosen": chosen,
        "lines": _lines(reading, found),
        "kinds": [
            {"name": kind, "url": state.toggled(KIND, kind), "is_chosen": state.has(**{KIND: kind})}
            for kind in found["finding_types"]
        ],
        "most": max((cell["findings"] for cell in found["cells"]), default=0),
        "bounds": {"since": iso(since), "until": "" if reading.is_open else iso(until)},
        "without": state.url(**{KIND: None, WEEK: None}),
    }


def _lines(reading: Reading, found: Mapping[str, Any]) -> list[Line]:
    state, kinds = reading.state, found["finding_types"]
    cells = {(cell["week"], cell["finding_type"]): cell for cell in found["cells"]}
    empty = {"findings": 0, "sessions": 0}
    lines = []
    for week in reversed(found["weeks"]):
        row = []
        for kind in kinds:
            cell = cells.get((week, kind), empty)
            words = {KIND: kind, WEEK: week}
            on = state.has(**words)
            url = state.url(**{name: None if on else text for name, text in words.items()})
            row.append(Cell(kind, cell["findings"], cell["sessions"], on, url))
        day = date.fromisoformat(week)
        lines.append(Line(day, state.has(week=week), state.toggled(WEEK, week), row))
    return lines
