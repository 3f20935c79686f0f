"""Reads the event in the panel: itself, what it is about, what happened with it, what it changed.

A row that is not there is an answer too: the list beside the panel stays.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import ibis.expr.types as ir

from console import activity, diffs, links
from console.activity import Reader, Row
from console.changes.fields import fields
from console.changes.rollback import MovedOn
from console.linked import linked
from console.masking import mask
from console.pages import visits
from console.pages.activity.panel import undo, values, waterfall
from console.pages.activity.panel.changed import Called, changed
from console.pages.activity.panel.tables import tables
from console.pages.activity.reading import Reading
from console.pages.render import iso
from console.queries import typed_words
from console.queries.audit import Id
from console.queries.audit_filter import Term
from console.queries.correlated import NEAR, correlated, filter_of
from console.queries.undone import rollbacks
from schema.bind import At
from schema.errors import NotFound
from schema.policy import Seen
from schema.tables import USER_GROUPS

MOST = 50  # events of a correlation id that are shown
_ROLLBACKS = 1000  # since the change


def read(reading: Reading) -> dict[str, Any] | None:
    """The event; None while the panel is closed."""
    if not reading.state.row:
        return None
    reader = reading.reader
    try:
        row = activity.raw(reader, reading.state.row)
    except NotFound:
        return {"row": None}
    if reading.own and row["user_id"] != reader.principal.user_id:
        return {"row": None}
    found = contents(reader, row, reader.named(mask(row, reader.principal)))
    found["home"] = links.of_resource(found["row"]["resource"], reader.principal)
    found["tables"] = [] if found["home"] else tables(reader, row, values.parsed(row["params"]))
    found["session_at"] = partial(links.home, "session", me=reader.principal)
    if reading.state.undo and not reading.own and reader.principal.is_admin:
        tried = undo.tried(reader, reading.caller, row["id"], names(reader))
        return {**found, "undo": tried}
    barred = diffs.barred(reader, reading.caller, row) if found["is_change"] else None
    return {
        **found,
        "undo": None,
        "barred": barred,
        "moved": isinstance(barred, MovedOn),
        "undone": _undone(reading, row) if found["is_change"] else None,
        "linked": linked(reader, row),
        "together": together(reading, row),
    }


def contents(reader: Reader, row: Row, shown: Row) -> dict[str, Any]:
    """What the row itself holds, as it is `shown`: params as trees and as JSON, and what it
    changed. `masked`: the mask hides something."""
    sides = {}
    for column in ("params", "params_before"):
        told, stored = values.parsed(shown[column]), values.parsed(row[column])
        sides[column] = {"tree": values.tree(told, stored), "json": values.written(told)}
    restored = values.parsed(shown["params"])
    restored = restored.get("restored_from") if isinstance(restored, dict) else None
    is_change = diffs.is_change(row)
    differing = fields(row, reader.principal) if is_change else []
    return {
        "row": shown,
        "sides": sides,
        "masked": any(_differs(row, shown, name) for name in (*sides, "resource")),
        "raw": False,
        "is_change": is_change,
        "changed": changed(differing, names(reader)),
        "restored_from": restored if isinstance(restored, str) else None,
    }


def unmasked(reader: Reader, row: Row) -> dict[str, Any]:
    """`contents` as it is stored: for somebody who has said why."""
    author = replace(reader.principal, user_id=row["user_id"])  # to whom nothing is masked
    return {**contents(replace(reader, principal=author), row, row), "raw": True}


def together(reading: Reading, row: Row) -> dict[str, Any] | None:
    """The events with the same correlation id as bars, how many there are, and the query that lists
    them; None where this is the only one."""
    if not row["correlation_id"]:
        return None
    filter = filter_of(row["correlation_id"], row["timestamp"])
    if reading.own:
        filter = filter.and_(Term("user_id", (reading.reader.principal.user_id,)))
    at = At(row["timestamp"])
    events = reading.reader.ask(correlated, filter, Id(row["id"]), at, MOST)
    if len(events) < 2:
        return None
    return {
        "bars": waterfall.bars(events),
        "total": events[0]["total"],
        "listed": visits.url(
            {
                "query": typed_words.word("correlation", row["correlation_id"]),
                "since": iso(row["timestamp"] - NEAR),
                "until": iso(row["timestamp"] + NEAR),
                "include_self_reads": "true",
                "row": row["id"],
            }
        ),
    }


def _undone(reading: Reading, row: Row) -> Row | None:
    """The newest rollback of this change, with who did it."""
    rows = reading.reader.ask(rollbacks, At(row["timestamp"]), _ROLLBACKS)
    found = next((done for done in rows if done["restored_from"] == row["id"]), None)
    return found and reading.reader.named(found)


def names(reader: Reader) -> Called:
    """How people call the users and groups whose ids a change holds."""

    def called(name: str, value: Any) -> Any:
        if name == "user_id" and isinstance(value, str):
            found = reader.instance.people.get(value)
            return (found.email or found.name or value) if found else value
        if name == "group_id" and isinstance(value, str):
            groups = Seen(USER_GROUPS, reader.principal)
            rows = reader.instance.store.rows(_by_id, groups, Id(value))
            return rows[0]["name"] if rows else value
        return value

    return called


def _by_id(seen: Seen, id: Id) -> ir.Table:
    rows = seen.rows()
    return rows.filter(rows.id == id.id)


def _differs(row: Row, shown: Row, column: str) -> bool:
    if row[column] == shown[column]:
        return False
    return values.parsed(row[column]) != values.parsed(shown[column])
