"""Reports: sent, changed, amended; `groups` has what happens to several at once.

The functions are steps for `Store.write`: they check inside the write, where nothing can race.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson

from console import links
from console.audit import Caller, entry, new_id, now, printable
from console.feedback import given as clean
from console.feedback import notify
from console.feedback.given import CLOSED, Given
from console.feedback.groups import delete, merge, unmerge
from console.feedback.record import Row, duplicates, head_of, note, one, resource, standing, write
from console.identity.access import granted_in
from console.identity.lookup import changes
from console.queries import feedback as queries
from schema.bind import At, Text
from schema.errors import BadParameter, BadRequest, Conflict, NotFound, TooMany, shorten
from schema.table import rows_of
from schema.tables import FEEDBACK_REPORTS, USERS
from schema.transaction import Rows, Transaction

__all__ = ["Created", "amend", "bulk", "change", "create", "delete", "merge", "unmerge"]

PER_HOUR = 20
HOUR = timedelta(hours=1)
MOST = 200  # reports changed at once


@dataclass(frozen=True)
class Created:
    """What is answered to whoever sent a report; `new` is False where it had been sent before."""

    body: Row
    new: bool


def create(caller: Caller, given: Given) -> Callable[[Transaction], Created]:
    """Keep a report. It joins the group with its fingerprint, and opens it again where it was
    resolved. Sent again under the same key, the first answer stands. Raises BadParameter for a
    session that was never uploaded, TooMany."""
    me, id, at = caller.me.user_id, new_id(), now()

    def step(transaction: Transaction) -> Created:
        if before := transaction.ask(queries.sent, Text(me), Text(given.idempotency_key)):
            return Created(_answered(transaction, before[0]), new=False)
        _refuse_many(transaction, me)
        if given.session_file and not transaction.ask(queries.uploaded, Text(given.session_file)):
            raise clean.unknown_session(given.session_file)
        head = standing(transaction, given.fingerprint)
        known = _known(transaction, head) if head else None
        row = {**_row(given), "id": id, "created_at": at, "updated_at": at, "reporter_user": me}
        if head:
            row["merged_into"] = head["id"]
        transaction.insert(Rows(FEEDBACK_REPORTS, [{**row, "session_excerpt": given.excerpt}]))
        reopened = head is not None and head["status"] == "resolved"
        answer = {"duplicates": known["reports"] if known else 0, "reopened": reopened}
        answer["known"] = known
        note(transaction, caller, id, "created", answer=_plain(answer))
        if head:
            note(transaction, caller, head["id"], "duplicate", report=id)
        if head and reopened:
            _reopen(transaction, caller, head, given, id)
        what = "reopened" if reopened else "duplicate" if head else "new"
        about = {**row, "duplicates": answer["duplicates"], "reporters": 1, "status": "open"}
        about |= _counted(transaction, row)
        notify.told(transaction, caller, about, what)
        transaction.insert(_sent(caller, given, row, reopened=reopened))
        return Created(_answer(id, given.fingerprint, answer), new=True)

    return step


def change(caller: Caller, id: str, version: int, wanted: Mapping[str, Any]) -> Callable[..., Row]:
    """Set what is `wanted` of status, assignee (a user's id, e-mail, `me`, None), tags,
    resolution, fixed_in and category. Raises NotFound, BadParameter, Outdated, and Conflict for a
    duplicate, which has nothing of these but from its head."""
    new = checked(wanted)

    def step(transaction: Transaction) -> Row:
        return _change(transaction, caller, one(transaction, id, version=version), new)

    return step


def bulk(
    caller: Caller, reports: Sequence[tuple[str, int]], wanted: Mapping[str, Any]
) -> Callable[[Transaction], Row]:
    """`change` of several reports, given as id and version: `changed` are the ids of those that
    are as wanted now, `conflicts` `{id, error, detail}` of those that were left as they are."""
    new = checked(wanted)
    if not 0 < len(reports) <= MOST:
        raise BadParameter("reports", f"{len(reports)} reports", f"1 to {MOST}")

    def step(transaction: Transaction) -> Row:
        changed: list[str] = []
        conflicts: list[Row] = []
        for id, version in dict(reports).items():
            try:
                _change(transaction, caller, one(transaction, id, version=version), new)
            except (Conflict, NotFound) as error:
                conflicts.append({"id": id, "error": error.message, "detail": error.detail})
            else:
                changed.append(id)
        return {"changed": changed, "conflicts": conflicts}

    return step


def amend(caller: Caller, id: str, version: int, wanted: Mapping[str, Any]) -> Callable[..., Row]:
    """Set message or category of one's own report, until it is answered. Its group stays what it
    was. Raises NotFound, also for somebody else's, Outdated, Conflict once it is closed."""
    new: Row = {}
    if "message" in wanted:
        new["message"] = clean.message(wanted["message"])
    if "category" in wanted:
        new["category"] = clean.category(wanted["category"])
    _refuse_nothing(new, ("message", "category"))

    def step(transaction: Transaction) -> Row:
        row = own(transaction, caller, id, version=version)
        head = head_of(transaction, row)
        if head["status"] in CLOSED:
            raise Conflict(
                f"report {shorten(id)} is {head['status']}: it cannot be changed any more",
                detail="Send a new one: the same problem opens this one again.",
            )
        return _written(transaction, caller, row, changes(row, new))

    return step


def own(transaction: Transaction, caller: Caller, id: str, version: int | None = None) -> Row:
    """A report of the caller's. Raises NotFound, also for somebody else's; Outdated."""
    row = one(transaction, id)
    if row["reporter_user"] != caller.me.user_id:
        raise NotFound(
            f"no report {shorten(id)} of yours", detail="`agnes report list` shows them."
        )
    return one(transaction, id, version=version)


def checked(wanted: Mapping[str, Any]) -> Row:
    """A change as it is kept, but for the assignee, who is looked up in the write."""
    new: Row = dict(wanted)
    if "status" in new:
        new["status"] = clean.status(new["status"] or "")
    if "tags" in new:
        new["tags"] = _tags(clean.tags(new["tags"] or ()))
    for name in ("resolution", "fixed_in", "category"):
        if name in new:
            new[name] = getattr(clean, name)(new[name])
    _refuse_nothing(new, [name for name in clean.CHANGES if name != "version"])
    return new


def _change(transaction: Transaction, caller: Caller, row: Row, wanted: Row) -> Row:
    if row["merged_into"]:
        raise Conflict(
            f"report {shorten(row['id'])} is a duplicate of {row['merged_into']}",
            detail="Change that one, or take this one out of its group first.",
        )
    new = dict(wanted)
    if new.get("assignee") is not None:
        new["assignee"] = _assignee(transaction, caller, new["assignee"])
    before = {**row, "status": row["status"] or "open"}
    new = changes(before, new)
    if "status" in new:
        closed = new["status"] in CLOSED
        new["resolved_at"] = now() if closed else None
        new["resolved_by"] = caller.me.user_id if closed else None
    after = _written(transaction, caller, before, new)
    if new.keys() & {"status", "resolution"}:
        for report in (after, *duplicates(transaction, row["id"])):
            stands = {name: after[name] for name in ("status", "resolution")}
            about = {**report, **stands, **_counted(transaction, after)}
            notify.told(transaction, caller, about, "changed")
    return after


def _written(transaction: Transaction, caller: Caller, row: Row, new: Row) -> Row:
    """Write the change with its history and its audit row; nothing where nothing differs. Neither
    says what a message was or is."""
    if not new:
        return row
    said = [name for name in new if name not in ("resolved_at", "resolved_by")]
    for name in said:
        texts = {} if name == "message" else {"from": _told(row, name), "to": _told(new, name)}
        note(transaction, caller, row["id"], name, **texts)
    after = write(transaction, row, new)
    told = [name for name in said if name != "message"]
    params: Row = {"report_id": row["id"], "version": after["version"], "changed": said}
    transaction.insert(
        entry(
            caller,
            "feedback.update",
            resource=resource(row["id"]),
            params={**params, **{name: _told(new, name) for name in told}},
            before={"version": row["version"] or 1, **{name: _told(row, name) for name in told}},
        )
    )
    return after


def _told(row: Row, name: str) -> Any:
    value = row[name]
    return orjson.loads(value or "[]") if name == "tags" else value


def _refuse_nothing(new: Mapping[str, Any], known: Sequence[str]) -> None:
    if not new:
        raise BadRequest("nothing to change", detail="Give one of: " + ", ".join(known) + ".")


def _assignee(transaction: Transaction, caller: Caller, text: str) -> str:
    """The id of the person meant: an active one who may open the inbox. Raises BadParameter."""
    users = rows_of(USERS)
    wanted = caller.me.user_id if text == "me" else printable(text)
    named = (users.id == wanted) | (users.email.lower() == wanted.lower())
    found = transaction.read(users.filter(named, users.is_active))
    for user in found:
        if user["is_admin"] or granted_in(transaction, user["id"], "feedback"):
            return str(user["id"])
    raise BadParameter(
        "assignee", text, "the id or e-mail of an active user who may open the inbox, or `me`"
    )


def _refuse_many(transaction: Transaction, me: str) -> None:
    sent = transaction.ask(queries.filed, Text(me), At(now() - HOUR))
    if len(sent) < PER_HOUR:
        return
    free = sent[PER_HOUR - 1]["timestamp"] + HOUR - now()
    raise TooMany(
        f"{PER_HOUR} reports an hour are the most",
        retry_after=max(1, -int(-free.total_seconds() // 1)),
        detail="It was not sent. Try again later.",
    )


def _row(given: Given) -> Row:
    error = given.error
    return {
        "message": given.message,
        "category": given.category,
        "excerpt_turns": given.excerpt_turns,
        "session_file": given.session_file,
        "environment": orjson.dumps(dict(given.environment)).decode(),
        "fingerprint": given.fingerprint,
        "idempotency_key": given.idempotency_key,
        "merged_into": None,
        "version": 1,
        "status": "open",
        "tags": _tags(given.tags),
        "error": error.text if error else None,
        "anchor_uuid": given.anchor_uuid,
        "reopened": 0,
        "kept_apart": False,
    }


def _reopen(transaction: Transaction, caller: Caller, head: Row, given: Given, by: str) -> None:
    values = {"status": "open", "resolved_at": None, "resolved_by": None}
    write(transaction, head, {**values, "reopened": (head["reopened"] or 0) + 1})
    about = {"report": by, "version": given.environment.get("agnes")}
    note(transaction, caller, head["id"], "reopened", **{"from": "resolved", "to": "open"}, **about)


def _counted(transaction: Transaction, row: Row) -> Row:
    """`duplicates` and `reporters` of a report's group."""
    head = row["merged_into"] or row["id"]
    members = [*duplicates(transaction, head), one(transaction, head)]
    people = {member["reporter_user"] for member in members}
    return {"duplicates": len(members) - 1, "reporters": len(people)}


def _known(transaction: Transaction, head: Row) -> Row:
    members = [head, *duplicates(transaction, head["id"])]
    times = [member["created_at"] for member in members]
    return {
        "fingerprint": head["fingerprint"],
        "reports": len(members),
        "reporters": len({member["reporter_user"] for member in members}),
        "status": head["status"] or "open",
        "resolution": head["resolution"],
        "fixed_in": head["fixed_in"],
        "first_at": min(times),
        "last_at": max(times),
    }


def _sent(caller: Caller, given: Given, row: Row, *, reopened: bool) -> Rows:
    params = {
        "ack_preview": True,
        "report_id": row["id"],
        "fingerprint": row["fingerprint"],
        "category": row["category"],
        "session_file": row["session_file"],
        "excerpt_turns": row["excerpt_turns"],
        "duplicate_of": row["merged_into"],
        "reopened": reopened or None,
        "redacted": dict(given.redacted) or None,
    }
    return entry(caller, "feedback.report", resource=resource(row["id"]), params=params)


def _answer(id: str, fingerprint: str, said: Row) -> Row:
    return {
        "report_id": id,
        "fingerprint": fingerprint,
        "status_url": links.report(id, own=True),
        **{name: said[name] for name in ("duplicates", "reopened", "known")},
    }


def _answered(transaction: Transaction, row: Row) -> Row:
    """What was answered when this report came first: its history tells."""
    (said,) = transaction.ask(queries.created, Text(row["id"]))
    return _answer(row["id"], row["fingerprint"], orjson.loads(said["change"])["answer"])


def _plain(answer: Row) -> Row:
    """As JSON has it: the same now and when it is read again."""
    option = orjson.OPT_NAIVE_UTC | orjson.OPT_UTC_Z
    plain: Row = orjson.loads(orjson.dumps(answer, option=option))
    return plain


def _tags(tags: Sequence[str]) -> str | None:
    return orjson.dumps(list(tags)).decode() if tags else None
