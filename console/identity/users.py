"""People with an account: add, change, deactivate. Never deleted: the log keeps its names.

The functions are steps for `Store.write`: they check inside the write, where nothing can race.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import ibis.expr.types as ir

from console.audit import Caller, entry, new_id, now
from console.identity import tokens, typed, web_sessions
from console.identity.lookup import Row, changes, containing, one, pick
from schema.errors import Conflict
from schema.table import rows_of
from schema.tables import USERS
from schema.transaction import Rows, Transaction

_KEPT = ("id", "email", "name", "is_admin", "is_active", "created_at", "deactivated_at")
SHOWN = (*_KEPT, "sso_linked")
NAME_LIMIT = 120
Step = Callable[[Transaction], Row]


def listing(text: str | None = None) -> ir.Table:
    """Everybody, by e-mail; `text` is looked for in e-mail and name."""
    everybody = rows_of(USERS)
    everybody = everybody.mutate(sso_linked=everybody.oidc_subject.notnull())
    rows = containing(everybody.select(*SHOWN), text, "email", "name")
    return rows.order_by([rows.email.lower(), rows.id])


def create(
    caller: Caller,
    *,
    email: str,
    name: str | None = None,
    is_admin: bool = False,
    password_hash: str | None = None,
) -> Step:
    """Raises BadParameter, Conflict for an e-mail that is taken. The answer is the row as shown."""
    row: Row = {
        "id": new_id(),
        "email": typed.email(email),
        "name": typed.label_or_none("name", name, NAME_LIMIT),
        "is_admin": is_admin,
        "password_hash": password_hash,
        "is_active": True,
        "created_at": now(),
        "deactivated_at": None,
        "oidc_subject": None,
    }

    def step(transaction: Transaction) -> Row:
        _refuse_taken(transaction, row["id"], row["email"])
        transaction.insert(Rows(USERS, [row]))
        params = pick(row, ("id", "email", "name", "is_admin"))
        transaction.insert(_entry(caller, "user.create", row["id"], params, {}))
        return shown(row)

    return step


def update(
    caller: Caller, id: str, wanted: Mapping[str, Any], *, keep_session: str | None = None
) -> Step:
    """Set what is `wanted` of email, name, is_admin, is_active, password_hash, oidc_subject.

    Deactivation ends every session and revokes every token; a new password ends the sessions,
    except the one whose secret is `keep_session`. Raises NotFound, BadParameter, and Conflict for
    an e-mail that is taken or when no active admin would be left. The answer is the row as shown.
    """
    clean = dict(wanted)
    if "email" in clean:
        clean["email"] = typed.email(clean["email"])
    if "name" in clean:
        clean["name"] = typed.label_or_none("name", clean["name"], NAME_LIMIT)

    def step(transaction: Transaction) -> Row:
        before = one(transaction, USERS, "user", id)
        new = changes(before, clean)
        if not new:
            return shown(before)
        after = {**before, **new}
        if "email" in new:
            _refuse_taken(transaction, id, after["email"])
        _keep_an_admin(transaction, before, after)
        if "is_active" in new:
            new["deactivated_at"] = None if after["is_active"] else now()
        transaction.update(USERS, {"id": id}, new)
        ended = _end(transaction, before, after, keep_session)
        params = {"id": id, "email": after["email"], **_told(new)}
        if ended:
            params["ended"] = {name: len(rows) for name, rows in ended.items()}
        action = "user.deactivate" if "tokens" in ended else "user.update"
        transaction.insert(_entry(caller, action, id, params, {**_before(before, new), **ended}))
        return shown({**after, **new})

    return step


def deactivate(caller: Caller, id: str) -> Step:
    """`update` to inactive. Somebody who is so already is left alone."""
    return update(caller, id, {"is_active": False})


def shown(row: Row) -> Row:
    """A user as everybody with the right sees one; `sso_linked`: the OpenID provider's subject is
    known."""
    return {**pick(row, _KEPT), "sso_linked": row["oidc_subject"] is not None}


def _before(before: Row, new: Row) -> Row:
    return pick(before, (*_KEPT, *(name for name in new if name == "oidc_subject")))


def _end(
    transaction: Transaction, before: Row, after: Row, keep_session: str | None
) -> dict[str, list[Row]]:
    """What a user loses by the change, as it was."""
    if before["is_active"] and not after["is_active"]:
        return {
            "sessions": web_sessions.end_all(transaction, before["id"]),
            "tokens": tokens.revoke_all(transaction, before["id"]),
        }
    if before["password_hash"] != after["password_hash"]:
        return {"sessions": web_sessions.end_all(transaction, before["id"], but=keep_session)}
    return {}


def _refuse_taken(transaction: Transaction, id: str, email: str) -> None:
    users = rows_of(USERS)
    for other in transaction.read(users.select("id", "email", "is_active")):
        if other["id"] != id and typed.same(other["email"]) == typed.same(email):
            off = f"It is deactivated: set is_active of user {other['id']} to bring it back."
            raise Conflict(
                f"a user with the e-mail {other['email']} exists already",
                detail="Use another e-mail." if other["is_active"] else off,
            )


def _keep_an_admin(transaction: Transaction, before: Row, after: Row) -> None:
    """The last active admin can be neither deactivated nor demoted."""
    if not (before["is_admin"] and before["is_active"]):
        return
    if after["is_admin"] and after["is_active"]:
        return
    users = rows_of(USERS)
    others = users.filter(users.is_admin, users.is_active, users.id != before["id"])
    if not transaction.read(others.select("id").limit(1)):
        raise Conflict(
            f"{before['email']} is the last active admin",
            detail="Make somebody else an admin first.",
        )


def _told(new: Mapping[str, Any]) -> Row:
    """New values for the log; of a password only that it changed."""
    shown = {
        name: value
        for name, value in new.items()
        if name in (*_KEPT, "oidc_subject") and name != "deactivated_at"
    }
    changed = sorted({"password" if name == "password_hash" else name for name in new})
    return {**shown, "changed": [name for name in changed if name != "deactivated_at"]}


def _entry(caller: Caller, action: str, id: str, params: Row, before: Row) -> Rows:
    return entry(caller, action, resource=f"user:{id}", params=params, before=before)
