"""Changes as people read them: the timeline of them, and one with its fields and whether it can be
undone. The one place for page and API. Both block: call them through `store.offload`."""

from __future__ import annotations

from dataclasses import replace

from console.activity import Page, Reader, Row, raw, raw_page
from console.audit import Caller
from console.changes.fields import fields
from console.changes.rollback import plan
from console.changes.undoing import ROLLBACK, ROLLBACKS
from console.identity.lookup import Outside
from console.queries import changes
from console.queries.audit import Order
from console.queries.audit_filter import AuditFilter
from schema.errors import AgnesError, BadRequest, Conflict, Forbidden

_SHOWN = (
    *("id", "action", "resource", "timestamp", "user_id", "user_email", "user_name"),
    *("result", "fields"),
)


def timeline(reader: Reader, filter: AuditFilter, by: Order, limit: int) -> Page:
    """One page of rows that keep what was before, each with its `fields`."""
    found = raw_page(reader, changes.changes, filter, by, limit)
    return replace(found, rows=[_dressed(reader, row) for row in found.rows])


def diff(reader: Reader, caller: Caller, id: str) -> Row:
    """One change: who did what and when, its `fields`, `can_roll_back` and, if not, `why_not`.
    Raises NotFound."""
    row = raw(reader, id)
    shown = _dressed(reader, row)
    why_not = barred(reader, caller, row)
    told = {name: shown[name] for name in _SHOWN}
    reason = why_not and why_not.message
    return {**told, "can_roll_back": why_not is None, "why_not": reason}


def _dressed(reader: Reader, row: Row) -> Row:
    (shown,) = reader.dress([row])
    return {**shown, "fields": fields(row, reader.principal)}


def is_change(row: Row) -> bool:
    """Whether the raw row is one of something that is other afterwards."""
    return row["params_before"] is not None or row["action"] in (*ROLLBACKS, ROLLBACK)


def barred(reader: Reader, caller: Caller, row: Row) -> AgnesError | None:
    """Why the change of this raw row cannot be rolled back now; None where it can."""
    if not reader.principal.is_admin:
        return Forbidden("only an admin may roll back")
    try:
        plan(Outside(reader.instance.store), row, caller)
    except (BadRequest, Conflict) as error:
        return error
    return None
