"""Groups of reports: one is the head, the others are merged into it. Merged, taken out, deleted.

Whatever the order of these, a duplicate's head is no duplicate, and what was taken out by hand is
joined by nothing until it is merged by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from console.audit import Caller, entry
from console.feedback import notify
from console.feedback.record import Row, duplicates, head_of, note, one, resource, several, write
from console.queries.feedback import OF_HEAD
from schema.errors import BadParameter, Conflict, NotFound, shorten
from schema.tables import FEEDBACK_HISTORY, FEEDBACK_REPORTS
from schema.transaction import Transaction

MOST = 200  # reports merged at once
_ALONE = {name: None for name in OF_HEAD if name not in ("tags", "reopened")} | {"status": "open"}


def merge(caller: Caller, ids: Sequence[str], into: str) -> Callable[[Transaction], Row]:
    """Make these reports, with their duplicates, duplicates of the report `into` (of its head,
    where it is one itself). The answer: the `head`, and which were `merged`. Raises NotFound, and
    BadParameter where nothing would change."""
    if not 0 < len(ids) <= MOST:
        raise BadParameter("ids", f"{len(ids)} ids", f"1 to {MOST}")

    def step(transaction: Transaction) -> Row:
        head = head_of(transaction, one(transaction, into))
        wanted = [row for row in several(transaction, ids) if _elsewhere(row, head)]
        if not wanted:
            raise BadParameter(
                "ids", ", ".join(ids), f"reports that are not in the group of {into}"
            )
        before = {row["id"]: row["merged_into"] for row in wanted}
        along = duplicates(transaction, *before)
        moved = {row["id"]: row for row in (*wanted, *along)}
        for id, row in moved.items():
            write(transaction, row, {"merged_into": head["id"], "kept_apart": False})
            note(
                transaction, caller, id, "merged", **{"from": row["merged_into"], "to": head["id"]}
            )
            note(transaction, caller, head["id"], "merged", report=id)
            before.setdefault(id, row["merged_into"])
            if row["merged_into"] and row["merged_into"] not in moved:
                note(transaction, caller, row["merged_into"], "unmerged", report=id)
        params = {"into": head["id"], "ids": list(moved)}
        transaction.insert(
            entry(
                caller,
                "feedback.merge",
                resource=resource(head["id"]),
                params=params,
                before={"merged_into": before},
            )
        )
        return {"head": head["id"], "merged": list(moved)}

    return step


def unmerge(caller: Caller, id: str, version: int | None = None) -> Callable[[Transaction], Row]:
    """Take a duplicate out of its group: it is open, alone, and stays so until somebody merges it.
    Raises NotFound, Outdated, Conflict for what is in no group."""

    def step(transaction: Transaction) -> Row:
        row = one(transaction, id, version=version)
        head = row["merged_into"]
        if not head:
            raise Conflict(
                f"report {shorten(id)} is no duplicate",
                detail="Take its duplicates out one by one, if they are something else.",
            )
        after = write(transaction, row, {**_ALONE, "merged_into": None, "kept_apart": True})
        note(transaction, caller, id, "unmerged", **{"from": head})
        note(transaction, caller, head, "unmerged", report=id)
        params = {"report_id": id, "version": after["version"]}
        transaction.insert(
            entry(
                caller,
                "feedback.unmerge",
                resource=resource(id),
                params=params,
                before={"merged_into": head, "kept_apart": bool(row["kept_apart"])},
            )
        )
        return after

    return step


def delete(caller: Caller, id: str, *, own: bool = False) -> Callable[[Transaction], None]:
    """Delete a report; `own`: one's own, and nobody else's. The log keeps that it was there, and
    nothing of what it said. Raises NotFound."""

    def step(transaction: Transaction) -> None:
        row = one(transaction, id)
        if own and row["reporter_user"] != caller.me.user_id:
            raise NotFound(f"no report {shorten(id)} of yours")
        heads = forget(transaction, [row], caller)
        params = {
            "report_id": id,
            "reporter": row["reporter_user"],
            "fingerprint": row["fingerprint"],
            "session_file": row["session_file"],
            "new_head": heads.get(id),
        }
        kept = ("status", "assignee", "merged_into", "created_at", "version")
        transaction.insert(
            entry(
                caller,
                "feedback.delete",
                resource=resource(id),
                params=params,
                before={name: row[name] for name in kept},
            )
        )

    return step


def forget(
    transaction: Transaction, rows: Sequence[Row], caller: Caller | None = None
) -> dict[str, str]:
    """Delete reports with their history and what was to be said of them. Where heads go and
    duplicates stay, the oldest of these takes its head's place, status and answer. Who took over
    from whom."""
    gone = {row["id"]: row for row in rows}
    for name, table in (("id", FEEDBACK_REPORTS), ("report_id", FEEDBACK_HISTORY)):
        transaction.delete_among(table, name, list(gone))
    heads: dict[str, str] = {}
    for row in duplicates(transaction, *gone):
        old = row["merged_into"]
        if old not in heads:
            heads[old] = row["id"]
            taken = {name: gone[old][name] for name in OF_HEAD}
            write(transaction, row, {**taken, "merged_into": None})
            note(transaction, caller, row["id"], "head", **{"from": old})
        else:
            write(transaction, row, {"merged_into": heads[old]})
    notify.forget(transaction, gone)
    return heads


def _elsewhere(row: Row, head: Row) -> bool:
    return head["id"] not in (row["id"], row["merged_into"])
