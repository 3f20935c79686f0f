"""The changes among the events: what each one changed, and whether it can be undone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import orjson

from console import activity, diffs
from console.activity import Reader, Row
from console.audit import Caller
from console.changes.fields import fields
from console.changes.undoing import ROLLBACK, ROLLBACKS
from console.pages.activity.lines import folded
from console.pages.activity.panel.changed import told
from console.pages.activity.panel.event import names
from console.pages.activity.reading import Reading
from console.queries import changes
from console.queries.undone import rollbacks
from console.queries.window import moment
from schema.bind import At
from schema.errors import AgnesError

ROWS = 25
_MOST_ROLLBACKS = 1000  # since the oldest change of a page
# What an object is called, where the event tells it; the group before its member.
_CALLED = ("group_name", "name", "subject", "key", "email")


def read(reading: Reading) -> dict[str, Any]:
    """`rows`, each with its `parts` (fields as lines), and the queries of the pages beside."""
    state, reader = reading.state, reading.reader
    ts, id = state.cursor
    start = moment("cursor_ts", ts) if ts else None
    by = activity.order(None, start, id or None, reader, newer=state.newer)
    page = activity.raw_page(reader, changes.changes, reading.filter, by, ROWS)
    return {
        "rows": shown(reading, page.rows),
        "older": _beside(reading, page.next),
        "newer": _beside(reading, page.prev, newer="1"),
    }


class Told(Protocol):
    """Who reads the changes of which instance."""

    @property
    def reader(self) -> Reader: ...
    @property
    def caller(self) -> Caller: ...


def shown(reading: Told, rows: Sequence[Row]) -> list[Row]:
    """Raw rows as they are listed, each with its `parts`, what undid it, or why nothing can."""
    undone = _undone(reading, rows)
    return [_shown(reading, row, undone.get(row["id"])) for row in rows]


def _beside(reading: Reading, place: Row | None, **more: str) -> str | None:
    if place is None:
        return None
    at = place["ts"].isoformat() + "Z"
    return reading.state.url(cursor_ts=at, cursor_id=place["id"], **more)


def _undone(reading: Told, rows: Sequence[Row]) -> dict[str, Row]:
    """The newest rollback of each of these changes, by the change's id."""
    if not rows:
        return {}
    oldest = At(min(row["timestamp"] for row in rows))
    found = reading.reader.ask(rollbacks, oldest, _MOST_ROLLBACKS)
    return {row["restored_from"]: reading.reader.named(row) for row in reversed(found)}


def _shown(reading: Told, row: Row, undone: Row | None) -> Row:
    """A change as it is listed. Who is no admin is not told row by row that they may not undo."""
    reader = reading.reader
    (shown,) = reader.dress([row])
    barred = diffs.barred(reader, reading.caller, row) if reader.principal.is_admin else None
    params = _object(shown["params"])
    restored = params.get("restored_from")
    parts = [_part(reading, field) for field in fields(row, reader.principal)]
    return {
        **shown,
        "kind": (shown["resource"] or "").partition(":")[0],
        "called": _called(shown["resource"], params),
        "parts": parts,
        "can_undo": reader.principal.is_admin and barred is None,
        "why_not": None if barred is None or undone is not None else _why_not(row, barred),
        "undone": undone,
        "restored_from": restored if isinstance(restored, str) else None,
    }


def _why_not(row: Row, barred: AgnesError) -> str:
    known = row["action"] in (*ROLLBACKS, ROLLBACK)
    return barred.message if known else "no undo for this action"


def _part(reading: Told, field: Row) -> Row:
    before, after = (_named(reading, field["name"], field[side]) for side in ("before", "after"))
    return {"name": field["name"], "lines": folded(before, after)}


def _named(reading: Told, name: str, value: Any) -> Any:
    """A person's id as people know them; columns and grants of a table one a line."""
    if name in ("columns", "granted"):
        return told(name, value, names(reading.reader))
    if name != "user_id" or not isinstance(value, str):
        return value
    person = reading.reader.instance.people.get(value)
    return person.email if person else value


def _called(resource: str | None, params: Row) -> str:
    for name in _CALLED:
        if isinstance(params.get(name), str) and params[name]:
            return str(params[name])
    return (resource or "").partition(":")[2] or (resource or "")


def _object(params: str | None) -> Row:
    try:
        value = orjson.loads(params or "{}")
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}
