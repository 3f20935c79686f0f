"""Which chat reaches whom: linking it, taking it back, listing. The functions are steps for
`Store.write`; each change stands in the audit log."""

from __future__ import annotations

import re
from collections.abc import Callable

import ibis.expr.types as ir

from console.audit import Caller, entry, now, printable
from console.identity.lookup import Row, containing, one, where
from schema.errors import BadParameter, Conflict, NotFound, shorten
from schema.table import rows_of
from schema.tables import TELEGRAM_LINKS, USERS
from schema.transaction import Transaction

_CHAT = re.compile(r"-?[1-9][0-9]{0,17}")
SHOWN = ("user_id", "email", "name", "is_admin", "is_active", "chat_id", "linked_at")


def listing(text: str | None = None) -> ir.Table:
    """Links with whose they are, by e-mail."""
    users = rows_of(USERS)
    people = users.select("email", "name", "is_admin", "is_active", person=users.id)
    links = rows_of(TELEGRAM_LINKS)
    rows = links.join(people, links.user_id == people.person).select(*SHOWN)
    return containing(rows, text, "email", "name", "chat_id").order_by(["email", "user_id"])


def of(user_id: str) -> ir.Table:
    """Somebody's link, or none."""
    rows = listing()
    return rows.filter(rows.user_id == printable(user_id))


def chat(given: int | str) -> str:
    """The id of a chat as text. Raises BadParameter: a public name could be anybody's."""
    text = str(given).strip()
    if not _CHAT.fullmatch(text):
        raise BadParameter("chat_id", given, "the number of a chat, such as 123456789")
    return text


def link(
    caller: Caller, user_id: str, chat_id: int | str, *, method: str | None = None
) -> Callable[[Transaction], Row]:
    """In place of the chat that was linked. Raises BadParameter, NotFound, and Conflict for a
    deactivated account."""
    number = chat(chat_id)

    def step(transaction: Transaction) -> Row:
        user = one(transaction, USERS, "user", user_id)
        if not user["is_active"]:
            raise Conflict(f"{user['email']} is deactivated", detail="Activate the account first.")
        before = transaction.read(where(TELEGRAM_LINKS, user_id=user_id))
        row = {"user_id": user_id, "chat_id": number, "linked_at": now()}
        transaction.put(TELEGRAM_LINKS, row)
        transaction.insert(
            entry(
                caller,
                "telegram.link",
                resource=f"user:{user_id}",
                params={"user_id": user_id, "chat_id": number, "method": method},
                before={"chat_id": before[0]["chat_id"]} if before else None,
            )
        )
        return {**{name: user.get(name) for name in SHOWN}, **row}

    return step


def unlink(caller: Caller, user_id: str) -> Callable[[Transaction], None]:
    """Raises NotFound."""

    def step(transaction: Transaction) -> None:
        before = transaction.read(where(TELEGRAM_LINKS, user_id=user_id))
        if not before:
            raise NotFound(
                f"no chat is linked to {shorten(user_id)}", detail="List the links to see whose."
            )
        transaction.delete(TELEGRAM_LINKS, {"user_id": before[0]["user_id"]})
        transaction.insert(
            entry(
                caller,
                "telegram.unlink",
                resource=f"user:{user_id}",
                params={"user_id": user_id},
                before={"chat_id": before[0]["chat_id"]},
            )
        )

    return step
