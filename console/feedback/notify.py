"""Who is told of a report, inside the write that changes it.

A notice holds counts, the beginning of the fingerprint and a link: nothing of a report's text.
"""

from __future__ import annotations

from collections.abc import Iterable

import ibis.expr.types as ir

from console import links
from console.audit import Caller, new_id, now
from console.feedback.record import Row, resource
from schema.table import rows_of
from schema.tables import NOTIFICATIONS, USERS
from schema.transaction import Rows, Transaction

_WORDS = {
    "new": "new report",
    "reopened": "reopened by a new report",
    "duplicate": "reported again",
}


def told(transaction: Transaction, caller: Caller, report: Row, what: str) -> None:
    """A report came (`what` is `new`, `reopened` or `duplicate`): tell the admins. Somebody else
    changed the status or the answer of it (`changed`): tell its reporter. `report` is its row with
    `duplicates` and `reporters` of its group, and the group's status."""
    me = caller.principal.user_id if caller.principal else ""
    mark = (report["fingerprint"] or "")[:12]
    if what == "changed":
        if report["reporter_user"] not in (None, me):
            subject = f"your report {mark} is {report['status']}"
            to = [report["reporter_user"]]
            _insert(transaction, to, "report.changed", report, subject, own=True)
        return
    admins = [row["id"] for row in transaction.ask(_admins) if row["id"] != me]
    counts = f"{report['duplicates'] + 1} reports of {report['reporters']} people"
    kind = "report.reopened" if what == "reopened" else "report.new"
    _insert(transaction, admins, kind, report, f"{_WORDS[what]} {mark}: {counts}")


def forget(transaction: Transaction, id: str) -> None:
    """A report is deleted: nothing is said of it any more."""
    transaction.delete(NOTIFICATIONS, {"about": resource(id)})


def _insert(
    transaction: Transaction,
    users: Iterable[str],
    kind: str,
    report: Row,
    subject: str,
    *,
    own: bool = False,
) -> None:
    notice = {
        "created_at": now(),
        "channel": "console",
        "state": "new",
        "kind": kind,
        "about": resource(report["id"]),
        "subject": subject,
        "link": links.report(report["id"], own=own),
    }
    rows = [{"id": new_id(), "user_id": user, **notice} for user in users]
    transaction.insert(Rows(NOTIFICATIONS, rows))


def _admins() -> ir.Table:
    rows = rows_of(USERS)
    return rows.filter(rows.is_admin, rows.is_active).select("id")
