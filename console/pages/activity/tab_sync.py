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

_SYNCS: Mapping[str, str | None] = {"action": SYNC}
_TABLES, _FAILURES = 30, 20
_DAY = 86_400
_TICK = timedelta(microseconds=1)  # a window holds both of its ends


def read(reading: Reading) -> dict[str, Any]:
    """The grid of `console.syncs` with a query for each cell that holds runs."""
    if reading.own:
        raise BadParameter("tab", "sync", "one of the tabs of this page")
    found = syncs.grid(reading.reader, reading.filter, most_tables=_TABLES, most_failures=_FAILURES)
    syncs_typed = _query(reading.state, _SYNCS)
    pattern = "%d %b" if found["bucket_seconds"] >= _DAY else "%d %b %H:%M"
    return {
        **found,
        "tables": [_table(reading, found, table) for table in found["tables"]],
        "marks": [{"at": at, "text": at.strftime(pattern)} for at in _spread(found["buckets"])],
        "list": _list(reading.state, syncs_typed),
        "failed_list": _list(reading.state, syncs_typed, result_class="error"),
    }


def _spread(buckets: list[datetime]) -> list[datetime]:
    """The first, some between, the last: few enough to be read."""
    if len(buckets) < 5:
        return buckets[:1]
    return [buckets[round(part * (len(buckets) - 1) / 4)] for part in range(5)][:-1]


def _table(reading: Reading, grid: Row, table: Row) -> Row:
    query = _query(reading.state, {**_SYNCS, "resource": table["resource"]})
    step = timedelta(seconds=grid["bucket_seconds"])
    cells = [
        None if cell is None else _cell(reading, query, start, start + step, cell)
        for start, cell in zip(grid["buckets"], table["cells"], strict=True)
    ]
    return {
        **table,
        "name": table["table_id"] or "no table",
        "href": _list(reading.state, query),
        "cells": cells,
    }


def _cell(reading: Reading, query: str, start: datetime, end: datetime, cell: Row) -> Row:
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
        "href": _list(reading.state, query, **window),
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


def _query(state: ActivityState, told: Mapping[str, str | None]) -> str:
    """The typed query for exactly these events among those of `state`: `told` are their action and
    resource, None for none. Equal words widen, so another whole action or resource gives way: with
    it alone no event of this one would be left."""

    def gives_way(word: typed_words.Word) -> bool:
        whole = word.exact or word.value == NONE
        return word.field in told and whole and not word.excluded

    given = typed_words.read(state.given.get("query", ""))
    kept = [str(word) for word in given if not gives_way(word)]
    kept += [typed_words.word(name, value) for name, value in told.items()]
    return " ".join(kept)


def _list(state: ActivityState, query: str, **changes: str | None) -> str:
    """The list of what `query` asks for."""
    return state.url(tab=None, sort=None, row=None, query=query, **changes)
