"""Bearer tokens of people and agents. The text is shown once; only its SHA-256 is kept.

The functions are steps for `Store.write`. With `owner` a step knows only that user's tokens: those
of others are not found.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import ibis
import ibis.expr.types as ir

from console.audit import Caller, entry, new_id, now
from console.identity import typed
from console.identity.gate import digest
from console.identity.lookup import Row, containing, one, only, pick, where
from schema.errors import BadParameter, Conflict
from schema.table import rows_of
from schema.tables import PERSONAL_ACCESS_TOKENS, USERS
from schema.transaction import Rows, Transaction

KINDS = ("cli", "agent", "external")
PREFIX = "agnes_"  # so that scanners know a leaked one
DEFAULT_DAYS, MOST_DAYS = 90, 3650
NAME_LIMIT = 100
SHOWN = (
    *("id", "user_id", "user_email", "name", "kind"),
    *("created_at", "expires_at", "last_used_at", "revoked_at"),
)
_OWN = tuple(name for name in SHOWN if name != "user_email")
Step = Callable[[Transaction], Row]


def new_secret() -> str:
    """A token's text: 256 random bits behind the prefix."""
    return PREFIX + secrets.token_urlsafe(32)


def listing(text: str | None = None, *, owner: str | None = None) -> ir.Table:
    """Tokens, newest first, revoked ones too; `text` is looked for in name, kind and e-mail."""
    users = rows_of(USERS)
    tokens = rows_of(PERSONAL_ACCESS_TOKENS)
    if owner is not None:
        tokens = tokens.filter(tokens.user_id == owner)
    people = users.select(user_id="id", user_email="email")
    rows = tokens.left_join(people, "user_id").select(*SHOWN)
    rows = containing(rows, text, "name", "kind", "user_email")
    return rows.order_by([ibis.desc("created_at"), ibis.desc("id")])


def create(
    caller: Caller,
    *,
    user_id: str,
    name: str,
    secret: str,
    kind: str = "cli",
    days: int = DEFAULT_DAYS,
) -> Step:
    """A token for a user; `secret` comes from `new_secret`. Raises BadParameter, NotFound, and
    Conflict for a deactivated user. The answer is the row as shown, without the secret."""
    row = new_row(user_id, name, secret, kind=kind, days=days)

    def step(transaction: Transaction) -> Row:
        user = one(transaction, USERS, "user", user_id)
        if not user["is_active"]:
            raise Conflict(
                f"{user['email']} is deactivated", detail="A token would not work; activate first."
            )
        transaction.insert(Rows(PERSONAL_ACCESS_TOKENS, [row]))
        params = pick(row, ("id", "user_id", "name", "kind", "expires_at"))
        transaction.insert(_entry(caller, "token.create", row["id"], params))
        return _shown(transaction, row)

    return step


def new_row(
    user_id: str, name: str, secret: str, *, kind: str = "cli", days: int = DEFAULT_DAYS
) -> Row:
    """A row for a token that is to be made. Raises BadParameter."""
    if kind not in KINDS:
        raise BadParameter("kind", kind, "one of " + ", ".join(KINDS))
    if not 1 <= days <= MOST_DAYS:
        raise BadParameter("expires_days", days, f"a whole number from 1 to {MOST_DAYS}")
    moment = now()
    return {
        "id": new_id(),
        "user_id": user_id,
        "name": typed.label("name", name, NAME_LIMIT),
        "kind": kind,
        "token_hash": digest(secret),
        "created_at": moment,
        "expires_at": moment + timedelta(days=days),
        "last_used_at": None,
        "revoked_at": None,
    }


def rename(caller: Caller, id: str, name: str, *, owner: str | None = None) -> Step:
    """Raises BadParameter and NotFound. The answer is the row as shown."""
    clean = typed.label("name", name, NAME_LIMIT)

    def step(transaction: Transaction) -> Row:
        before = _one(transaction, id, owner)
        if before["name"] != clean:
            transaction.update(PERSONAL_ACCESS_TOKENS, {"id": id}, {"name": clean})
            params = {"id": id, "user_id": before["user_id"], "name": clean}
            transaction.insert(_entry(caller, "token.update", id, params, before))
        return _shown(transaction, {**before, "name": clean})

    return step


def revoke(
    caller: Caller, id: str, *, owner: str | None = None, action: str = "token.revoke"
) -> Callable[[Transaction], None]:
    """Ends a token at once; `action` is what the log calls it. One that is revoked already is left
    alone. Raises NotFound."""

    def step(transaction: Transaction) -> None:
        before = _one(transaction, id, owner)
        if before["revoked_at"] is None:
            transaction.update(PERSONAL_ACCESS_TOKENS, {"id": id}, {"revoked_at": now()})
            params = pick(before, ("id", "user_id", "name", "kind"))
            transaction.insert(_entry(caller, action, id, params, before))

    return step


def revoke_all(transaction: Transaction, user_id: str) -> list[Row]:
    """Revoke every live token of a user; those that were, as they were. The caller audits it."""
    found = transaction.read(where(PERSONAL_ACCESS_TOKENS, user_id=user_id))
    live = [token for token in found if token["revoked_at"] is None]
    for token in live:
        transaction.update(PERSONAL_ACCESS_TOKENS, {"id": token["id"]}, {"revoked_at": now()})
    return [pick(token, _OWN) for token in live]


def _one(transaction: Transaction, id: str, owner: str | None) -> Row:
    mine = {} if owner is None else {"user_id": owner}
    rows = transaction.read(where(PERSONAL_ACCESS_TOKENS, id=id, **mine))
    return pick(only(rows, "token", id), _OWN)


def _shown(transaction: Transaction, row: Mapping[str, Any]) -> Row:
    email = one(transaction, USERS, "user", row["user_id"])["email"]
    return pick({**row, "user_email": email}, SHOWN)


def _entry(caller: Caller, action: str, id: str, params: Row, before: Row | None = None) -> Rows:
    return entry(caller, action, resource=f"token:{id}", params=params, before=before)
