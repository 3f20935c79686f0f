"""The whole session in one line: where people spoke, where it failed, where something was found,
and where its subagents worked."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from console.pages.replay.reading import Reading
from console.queries.sessions import SEVERITIES
from console.sessions import Row

AGAIN = 1500  # milliseconds until a page asks once more whether the index stands
_LANES = 40  # subagents that have a mark of their own


@dataclass(frozen=True)
class Cell:
    """Turns `first` to `last` in one mark; `look` is what matters most in it, `says` all of it.
    `is_compacted`: the agent forgot here, its history was summarised."""

    first: int
    last: int
    look: str
    says: str
    is_compacted: bool = False


@dataclass(frozen=True)
class Lane:
    """A subagent's turns, as a part of the whole session's width."""

    agent: str
    first: int
    last: int
    left: float  # percent
    width: float


@dataclass(frozen=True)
class Strip:
    """`jumps` is what the page's script goes by: turns of prompts, errors and findings."""

    indexed: bool
    total: int | None
    cells: Sequence[Cell]
    lanes: Sequence[Lane]
    more_lanes: int
    jumps: dict[str, Any]


def read(reading: Reading) -> Strip:
    found = reading.found
    total, agents = found["total"], found["agents"]
    return Strip(
        indexed=found["indexed"],
        total=total,
        cells=cells(found["cells"], found["findings"], total or 0, found["compacted"]),
        lanes=[_lane(one, total) for one in agents[:_LANES]],
        more_lanes=max(0, len(agents) - _LANES),
        jumps={
            "indexed": found["indexed"],
            "total": total,
            "prompts": found["prompts"],
            "errors": found["errors"],
            "findings": places(found["findings"]),
        },
    )


def places(findings: Iterable[Row]) -> list[int]:
    """The turns at which something was found, each once."""
    return sorted({one["turn"] for one in findings if one["turn"] is not None})


def cells(
    parts: Sequence[Row], findings: Iterable[Row], total: int, compacted: Sequence[int] = ()
) -> list[Cell]:
    """The strip's marks from the outline's cells, of which there are none without an index."""
    if not parts:
        return []
    starts = [part["first"] for part in parts]
    within: list[list[Row]] = [[] for _ in parts]
    for one in findings:
        turn = one["turn"]
        if turn is not None and 0 <= turn < total:
            within[bisect_right(starts, turn) - 1].append(one)
    ends = [*starts[1:], total]
    cut = {bisect_right(starts, turn) - 1 for turn in compacted}
    return [
        Cell(
            part["first"],
            end - 1,
            _look(part, some),
            _says(part, end - 1, some, is_compacted=number in cut),
            number in cut,
        )
        for number, (part, end, some) in enumerate(zip(parts, ends, within, strict=True))
    ]


def _look(part: Row, findings: Sequence[Row]) -> str:
    """What is found comes first, its worst; then errors, prompts."""
    worst = max((_rank(one) for one in findings), default=-1)
    if worst > 0:
        return SEVERITIES[worst]
    if part["errors"]:
        return "failed"
    if part["prompts"]:
        return "prompt"
    return "info" if findings else ""


def _rank(finding: Row) -> int:
    known = finding["severity"]
    return SEVERITIES.index(known) if known in SEVERITIES else 0


def _says(part: Row, last: int, findings: Sequence[Row], *, is_compacted: bool) -> str:
    first = part["first"]
    turns = f"Turn {first}" if first == last else f"Turns {first} to {last}"
    parts = [
        _counted(part["prompts"], "prompt"),
        _counted(part["tools"], "tool event"),
        _counted(part["errors"], "error"),
        *(one["finding_type"].replace("_", " ") for one in findings[:3]),
        _counted(max(0, len(findings) - 3), "more finding"),
        "history summarised" if is_compacted else "",
    ]
    said = ", ".join(filter(None, parts))
    return f"{turns}: {said}" if said else turns


def _counted(count: int, what: str) -> str:
    return "" if not count else f"{count} {what}" if count == 1 else f"{count} {what}s"


def _lane(agent: Row, total: int) -> Lane:
    first, last = agent["first"], agent["last"]
    width = (last - first + 1) / total * 100
    return Lane(agent["agent"], first, last, round(first / total * 100, 3), round(width, 3))
