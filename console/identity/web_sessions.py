"""Signed-in browsers: start, end, sweep. The cookie holds the secret, the table its hash.

All are steps for `Store.write`; who may start one is decided in `sign_in`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from console.audit import Caller, entry, new_id, now
from console.identity.gate import digest
from console.identity.lookup import Row, only, pick, where
from schema.policy import Principal
from schema.table import rows_of
from schema.tables import SIGN_IN_LINKS, WEB_SESSIONS
from schema.transaction import Rows, Transaction

SHOWN = ("id", "user_id", "created_at", "expires_at", "client_ip")
LINKS_KEPT = timedelta(days=1)  # after their end: so long a used link is told from a wrong one
_SWEPT = 1000  # rows in one sweep: the writer has other work


def start(
    caller: Caller,
    confirm: Callable[[Transaction], Row],
    *,
    method: str,
    secret: str,
    hours: int,
    instead_of: str | None = None,
) -> Callable[[Transaction], Row]:
    """A browser signs in: `confirm` gives the user or raises. `instead_of` is the secret of a
    session that this browser had before. The answer is the user's row."""

    def step(transaction: Transaction) -> Row:
        user, moment = confirm(transaction), now()
        if instead_of is not None:
            transaction.delete(WEB_SESSIONS, {"secret_hash": digest(instead_of)})
        session = {
            "id": new_id(),
            "user_id": user["id"],
            "secret_hash": digest(secret),
            "created_at": moment,
            "expires_at": moment + timedelta(hours=hours),
            "client_ip": caller.client_ip,
        }
        transaction.insert(Rows(WEB_SESSIONS, [session]))
        transaction.insert(signed_in(caller, user, "web", {"method": method}))
        return user

    return step


def signed_in(caller: Caller, user: Row, kind: str, params: dict[str, Any]) -> Rows:
    """The audit row of a sign-in: from here on the stranger has a name."""
    who = Principal(user["id"], is_admin=user["is_admin"], kind=kind)
    named = replace(caller.as_(who), client_kind=kind)
    return entry(named, "auth.login", resource=f"user:{user['id']}", params=params)


def end(caller: Caller, secret: str) -> Callable[[Transaction], None]:
    """A browser signs out. A session that is gone already is left alone."""

    def step(transaction: Transaction) -> None:
        found = transaction.read(where(WEB_SESSIONS, secret_hash=digest(secret)))
        if not found:
            return
        transaction.delete(WEB_SESSIONS, {"id": found[0]["id"]})
        user = f"user:{found[0]['user_id']}"
        before = pick(found[0], SHOWN)
        transaction.insert(entry(caller, "auth.logout", resource=user, before=before))

    return step


def end_all(transaction: Transaction, user_id: str, *, but: str | None = None) -> list[Row]:
    """End every session of a user and spend their links; `but` is the secret of a session to keep.
    The sessions that were ended, as they were."""
    kept = digest(but) if but else None
    found = transaction.read(where(WEB_SESSIONS, user_id=user_id))
    ended = [session for session in found if session["secret_hash"] != kept]
    for session in ended:
        transaction.delete(WEB_SESSIONS, {"id": session["id"]})
    transaction.delete(SIGN_IN_LINKS, {"user_id": user_id})
    return [pick(session, SHOWN) for session in ended]


def end_one(caller: Caller, user_id: str, id: str) -> Callable[[Transaction], None]:
    """An admin signs somebody's browser out. Raises NotFound for one that is not signed in."""

    def step(transaction: Transaction) -> None:
        found = transaction.read(where(WEB_SESSIONS, id=id, user_id=user_id))
        before = pick(only(found, "browser session", id), SHOWN)
        transaction.delete(WEB_SESSIONS, {"id": id})
        params = {"session_id": id, "by": "admin"}
        resource = f"user:{user_id}"
        transaction.insert(
            entry(caller, "auth.logout", resource=resource, params=params, before=before)
        )

    return step


def sweep(moment: datetime) -> Callable[[Transaction], None]:
    """Delete the sessions and links that are long over."""

    def step(transaction: Transaction) -> None:
        for table, over in ((WEB_SESSIONS, moment), (SIGN_IN_LINKS, moment - LINKS_KEPT)):
            rows = rows_of(table)
            old = rows.filter(rows.expires_at < over).select("id").limit(_SWEPT)
            for row in transaction.read(old):
                transaction.delete(table, {"id": row["id"]})

    return step
