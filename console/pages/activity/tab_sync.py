"""The syncs among the events: a grid of tables and times, and what failed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from console import syncs
from console.activity import Row
from console.pages.activity.reading import Reading
from console.pages.activity.state import ActivityState
from console.queries import typed_words
from console.queries.audit_filter import NONE
from console.queries.syncs import SYNC
from schema.errors import BadParameter

Told = Mapping[str, str | None]

_SYNCS = {"action": SYNC}
_TABLES, _FAILURES = 30, 20
_DAY = 86_400
_TICK = timedelta(microseconds=1)  # a window holds both of its ends


def read(reading: Reading) -> dict[str, Any]:
    """The grid of `console.syncs` with a query for each cell that holds runs."""
    if reading.own:
        raise BadParameter("tab", "sync", "a tab of this page: nobody's own syncs are listed")
    found = syncs.grid(reading.reader, reading.filter, most_tables=_TABLES, most_failures=_FAILURES)
    pattern = "%d %b" if found["bucket_seconds"] >= _DAY else "%d %b %H:%M"
    return {
        **found,
        "tables": [_table(reading, found, table) for table in found["tables"]],
        "marks": [_Mark(at, pattern) for at in _spread(found["buckets"])],
        "list": narrowed(reading.state, _SYNCS),
        "failed_list": narrowed(reading.state, _SYNCS, result_class="error"),
    }


class _Mark:
    """A time of the grid's axis."""

    def __init__(self, at: datetime, pattern: str) -> None:
        self.at, self.text = at, at.strftime(pattern)


def _spread(buckets: list[datetime]) -> list[datetime]:
    """The first, some between, the last: few enough to be read."""
    if len(buckets) < 5:
        return buckets[:1]
    return [buckets[round(part * (len(buckets) - 1) / 4)] for part in range(5)][:-1]


def _table(reading: Reading, grid: Row, table: Row) -> Row:
    told = {**_SYNCS, "resource": table["resource"]}
    step = timedelta(seconds=grid["bucket_seconds"])
    cells = [
        None if cell is None else _cell(reading, told, start, start + step, cell)
        for start, cell in zip(grid["buckets"], table["cells"], strict=True)
    ]
    return {
        **table,
        "name": table["table_id"] or "no table",
        "href": narrowed(reading.state, told),
        "cells": cells,
    }


def _cell(reading: Reading, told: Told, start: datetime, end: datetime, cell: Row) -> Row:
    """What ran in a piece of the window. The first and the last may reach beyond the window: what
    is asked does not."""
    since, until = reading.filter.since, reading.filter.until
    first = start if since is None else max(start, since)
    last = end - _TICK if until is None else min(end - _TICK, until)
    failed = cell["failed"]
    state = "failed" if failed == cell["runs"] else "some" if failed else "ok"
    window = {"since": _iso(first), "until": _iso(last), "since_minutes": None}
    return {
        "state": state if failed or cell["ok"] else "skipped",
        "says": f"{_when(start, end)}: {_count(cell['runs'], 'run')}, {_outcome(cell)}",
        "href": narrowed(reading.state, told, **window),
    }


def _outcome(cell: Row) -> str:
    if not cell["failed"]:
        return "none failed" if cell["ok"] else "none finished"
    return f"{cell['failed']} failed"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun if number == 1 else noun + 's'}"


def _when(start: datetime, end: datetime) -> str:
    if end - start >= timedelta(days=1):
        last = end - _TICK
        days = f"{start:%d %b}" if last.date() == start.date() else f"{start:%d %b}–{last:%d %b}"
        return f"{days} UTC"
    precise = "%H:%M" if (end - start).seconds % 60 == 0 else "%H:%M:%S"
    return f"{start:%d %b} {start.strftime(precise)}–{end.strftime(precise)} UTC"


def _iso(at: datetime) -> str:
    return at.isoformat() + "Z"


def narrowed(state: ActivityState, told: Told, **parameters: str | None) -> str:
    """The query of the list of exactly these events among those of `state`: `told` are their action
    and resource, None for none. Equal words widen, so another whole action or resource gives way:
    with it alone no event of this one would be left."""

    def gives_way(word: typed_words.Word) -> bool:
        whole = word.exact or word.value == NONE
        return word.field in told and whole and not word.excluded

    given = typed_words.read(state.given.get("query", ""))
    kept = [str(word) for word in given if not gives_way(word)]
    kept += [typed_words.word(name, value) for name, value in told.items()]
    fixed = {"tab": None, "sort": None, "row": None}
    return state.url(**fixed, **parameters, query=" ".join(kept))
