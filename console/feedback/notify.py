"""Who is told of a report, inside the write that changes it.

A notice holds counts, the beginning of the fingerprint and a link: nothing of a report's text. An
admin with a linked chat is told there; all others find it in the console, where the newest notice
about a group of reports takes the place of one that was not read yet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from console import links
from console.audit import Caller, new_id, now
from console.feedback.record import Row, resource
from console.queries import notifications as questions
from schema.bind import Texts
from schema.tables import NOTIFICATIONS
from schema.transaction import Rows, Transaction

NEW, REOPENED, CHANGED = "report.new", "report.reopened", "report.changed"
DIGEST = "report.digest"
_WORDS = {
    "new": "New report",
    "reopened": "Came back after it was resolved: report",
    "duplicate": "Reported again:",
}
_BECAME = {
    "open": "is open again",
    "triaged": "was taken up",
    "resolved": "is resolved",
    "wontfix": "will not be changed",
}
_LETTERS = 12  # of a fingerprint: enough to tell one from another
_UNDONE = ("new", "queued", "held", "failed")


def told(transaction: Transaction, caller: Caller, report: Row, what: str) -> None:
    """A report came (`what` is `new`, `reopened` or `duplicate`): tell the admins. Somebody else
    changed the status or the answer of it (`changed`): tell its reporter. `report` is its row with
    `duplicates` and `reporters` of its group, and the group's status."""
    mark = (report["fingerprint"] or "")[:_LETTERS]
    if what == "changed":
        _reporter(transaction, caller, report, mark)
        return
    head = report.get("merged_into") or report["id"]
    reports, people = report["duplicates"] + 1, report["reporters"]
    counts = f", {reports} reports of {people} {'person' if people == 1 else 'people'}"
    notice = {
        "kind": REOPENED if what == "reopened" else NEW,
        "about": resource(head),
        "subject": f"{_WORDS[what]} {mark}{counts if reports > 1 else ''}",
        "link": links.report(head),
    }
    _replace(transaction, resource(head), NEW, REOPENED)
    admins = transaction.ask(questions.admins)
    _insert(transaction, ({**notice, "user_id": one["user_id"], **_way(one)} for one in admins))


def digested(run: str, day: str, subject: str) -> Callable[[Transaction], int]:
    """The digest of a day is made: each admin is told once, with its counts and where it is kept.
    Telegram holds it for the hour of its own digest, with which it is one message. How many were
    told."""

    def step(transaction: Transaction) -> int:
        about = f"digest:{day}"
        if transaction.ask(questions.said_about, Texts((about,))):
            return 0
        notice = {"kind": DIGEST, "about": about, "subject": subject}
        notice["link"] = links.href("run", run)
        rows = [
            {**notice, "user_id": one["user_id"], **_way(one, state="held")}
            for one in transaction.ask(questions.admins)
        ]
        _insert(transaction, rows)
        return len(rows)

    return step


def forget(transaction: Transaction, ids: Iterable[str]) -> None:
    """Reports are deleted: nothing more is said of them."""
    about = Texts(tuple(resource(id) for id in ids))
    found = transaction.ask(questions.undone_about, about, Texts(_UNDONE))
    transaction.delete_among(NOTIFICATIONS, "id", [row["id"] for row in found])


def _reporter(transaction: Transaction, caller: Caller, report: Row, mark: str) -> None:
    me = caller.principal.reader if caller.principal else ""
    if report["reporter_user"] in (None, me):
        return
    became = _BECAME.get(report["status"], "has changed")
    became += ", with an answer" if report.get("resolution") else ""
    notice = {
        "kind": CHANGED,
        "about": resource(report["id"]),
        "subject": f"Your report {mark} {became}",
        "link": links.report(report["id"], own=True),
        "user_id": report["reporter_user"],
    }
    _replace(transaction, resource(report["id"]), CHANGED)
    _insert(transaction, [{**notice, **_way({})}])


def _way(person: Row, *, state: str = "queued") -> dict[str, str]:
    """How they are told; `state`: of what goes to Telegram."""
    if person.get("chat_id"):
        return {"channel": questions.TELEGRAM, "state": state}
    return {"channel": questions.CONSOLE, "state": "new"}


def _replace(transaction: Transaction, about: str, *kinds: str) -> None:
    found = transaction.ask(questions.unread_about, Texts((about,)), Texts(kinds))
    if found:
        transaction.delete_among(NOTIFICATIONS, "id", [row["id"] for row in found])


def _insert(transaction: Transaction, notices: Iterable[dict[str, Any]]) -> None:
    at = now()
    rows = [{"id": new_id(), "created_at": at, **notice} for notice in notices]
    if rows:
        transaction.insert(Rows(NOTIFICATIONS, rows))
