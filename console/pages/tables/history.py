"""What was changed of one table and of who may read it, the newest first, each with its undoing."""

from __future__ import annotations

from typing import Any

import orjson

from console import activity, links
from console.activity import Row
from console.pages.activity import tab_changes
from console.pages.activity.panel import undo
from console.pages.activity.panel.event import names
from console.pages.tables.reading import Reading
from console.queries import audit
from console.queries.audit_filter import AuditFilter, Term

MOST = 25
_OF_TABLE = ("registry.create", "registry.update", "registry.delete", "audit.rollback")
_OF_GRANTS = ("resource_grants.add", "resource_grants.remove", "audit.rollback")


def read(reading: Reading) -> dict[str, Any] | None:
    """`rows`, each as the log's own tab has them; `older`: where older ones stand, if there are
    any; `undo`: what the undoing of the one that the address names would do."""
    if not reading.state.table:
        return None
    rows, more = changes(reading)
    wanted = reading.state.undo
    tried = None
    if any(row["id"] == wanted for row in rows):
        tried = undo.tried(reading.reader, reading.caller, wanted, names(reading.reader))
    return {
        "rows": tab_changes.shown(reading, rows),
        "older": links.history("table", reading.id) if more else None,
        "undo": tried,
    }


def changes(reading: Reading) -> tuple[list[Row], bool]:
    """The newest ones as they are stored, and whether there are more."""
    about = Term("resource", (f"table:{reading.id}",))
    key = orjson.dumps({"resource_id": reading.id}).decode()[1:-1]  # as it stands in the row
    granted = Term("q", (key.lower(),))
    table = AuditFilter(terms=(about, Term("action_in", _OF_TABLE)))
    grants = AuditFilter(terms=(granted, Term("action_in", _OF_GRANTS)))
    newest = activity.order(None, None, None, reading.reader)
    found: dict[str, Row] = {}
    for filter in (table, grants):
        page = activity.raw_page(reading.reader, audit.timeline, filter, newest, MOST + 1)
        found |= {row["id"]: row for row in page.rows}
    rows = sorted(found.values(), key=lambda row: (row["timestamp"], row["id"]), reverse=True)
    return rows[:MOST], len(rows) > MOST
