"""What each step on reports does alike: read the row, write the change, note it in the history."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import orjson

from console.audit import Caller, new_id, now
from console.queries import feedback as queries
from schema.bind import Text, Texts
from schema.errors import NotFound, Outdated, shorten
from schema.tables import FEEDBACK_HISTORY, FEEDBACK_REPORTS
from schema.transaction import Rows, Transaction

Row: TypeAlias = dict[str, Any]


def resource(id: str) -> str:
    """How the audit log names a report."""
    return f"report:{id}"


def several(transaction: Transaction, ids: Iterable[str]) -> list[Row]:
    """These reports, without excerpts, in the order of `ids`. Raises NotFound that names one."""
    wanted = tuple(dict.fromkeys(ids))
    found = {row["id"]: row for row in transaction.ask(queries.stored, Texts(wanted))}
    for id in wanted:
        if id not in found:
            raise NotFound(f"no report {shorten(id)}", detail="List the reports to see their ids.")
    return [found[id] for id in wanted]


def one(transaction: Transaction, id: str, *, version: int | None = None) -> Row:
    """One report. Raises NotFound; Outdated where it is no longer the `version` that was seen."""
    row = several(transaction, [id])[0]
    if version is not None and version != (row["version"] or 1):
        raise Outdated("report", id, seen=version, is_now=row["version"] or 1)
    return row


def head_of(transaction: Transaction, row: Row) -> Row:
    """The head of a report's group: itself, where nothing else is."""
    return one(transaction, row["merged_into"]) if row["merged_into"] else row


def duplicates(transaction: Transaction, *heads: str) -> list[Row]:
    return transaction.ask(queries.duplicates, Texts(heads))


def write(transaction: Transaction, row: Row, values: Mapping[str, Any]) -> Row:
    """Set `values`, as a new version. The row as it is then."""
    counted = {**values, "version": (row["version"] or 1) + 1, "updated_at": now()}
    transaction.update(FEEDBACK_REPORTS, {"id": row["id"]}, counted)
    return {**row, **counted}


def note(transaction: Transaction, caller: Caller | None, id: str, what: str, **more: Any) -> None:
    """One row of a report's history; nobody's where the console did it by itself. Never with the
    text of a report: history is kept apart from it."""
    change = orjson.dumps({"what": what, **more}).decode()
    actor = caller.principal.user_id if caller and caller.principal else None
    row = {"id": new_id(), "report_id": id, "at": now(), "actor": actor, "change": change}
    transaction.insert(Rows(FEEDBACK_HISTORY, [row]))


def standing(transaction: Transaction, fingerprint: str) -> Row | None:
    """How the group stands that a report with this fingerprint would join, read in a write."""
    found = transaction.ask(queries.joined, Text(fingerprint))
    return one(transaction, found[0]["head_id"]) if found else None
