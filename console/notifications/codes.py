"""One-time codes that link a chat: made by an admin in the console, sent to the bot from the chat.

Only a code's hash is kept. It works once, for ten minutes, in a private chat; a newer one of the
same person ends it. Functions that end in a step are for `Store.write`.
"""

from __future__ import annotations

import re
import secrets
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from console.audit import Caller, new_id, now
from console.identity.gate import digest
from console.identity.lookup import one, where
from console.notifications import links
from schema.errors import AgnesError, Conflict
from schema.policy import Principal
from schema.tables import TELEGRAM_CODES, USERS
from schema.transaction import Rows, Transaction

LIFE = timedelta(minutes=10)
_KEPT = timedelta(days=1)  # a code that is over, so that its sender learns why
_SIGNS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"  # none that looks like another
_LENGTH = 10  # 49 bits
_SAID = re.compile(r"(?:/start(?:@\w{1,64})?\s+)?([A-Za-z2-9]{5})-?([A-Za-z2-9]{5})")


class CodeRefused(AgnesError):
    """Says why, in words for whoever sent it."""

    title = "Code refused"


@dataclass(frozen=True)
class Linked:
    user_id: str
    email: str


def new_code() -> str:
    """Such as ABCDE-FGHJK."""
    text = "".join(secrets.choice(_SIGNS) for _ in range(_LENGTH))
    return f"{text[:5]}-{text[5:]}"


def said(text: str) -> str | None:
    """The code that a message holds: `/start CODE` or the code alone, however it is written."""
    found = _SAID.fullmatch(text.strip())
    return f"{found[1]}-{found[2]}".upper() if found else None


def make(user_id: str, code: str, at: datetime) -> Callable[[Transaction], datetime]:
    """The answer is when it ends. Raises NotFound, and Conflict for a deactivated account."""
    row = {"id": new_id(), "user_id": user_id, "code_hash": digest(code), "created_at": at}
    ends = at + LIFE

    def step(transaction: Transaction) -> datetime:
        user = one(transaction, USERS, "user", user_id)
        if not user["is_active"]:
            raise Conflict(f"{user['email']} is deactivated", detail="Activate the account first.")
        transaction.delete(TELEGRAM_CODES, {"user_id": user_id})
        transaction.delete_before(TELEGRAM_CODES, "expires_at", at - _KEPT)
        transaction.insert(Rows(TELEGRAM_CODES, [{**row, "expires_at": ends}]))
        return ends

    return step


def use(code: str, chat_id: str, at: datetime) -> Callable[[Transaction], Linked]:
    """Link the chat to whoever the code was made for. Raises CodeRefused."""

    def step(transaction: Transaction) -> Linked:
        found = transaction.read(where(TELEGRAM_CODES, code_hash=digest(code)))
        if not found:
            raise CodeRefused("This code is not known, or not any more.")
        row = found[0]
        if row["used_at"] is not None:
            raise CodeRefused("This code was used already; each works once.")
        if row["expires_at"] <= at:
            raise CodeRefused("This code is too old. Make a new one in the console.")
        user = one(transaction, USERS, "user", row["user_id"])
        if not user["is_active"]:
            raise CodeRefused("This code is not known, or not any more.")
        who = Principal(user["id"], is_admin=user["is_admin"], kind="external")
        caller = Caller(who, "external")
        transaction.update(TELEGRAM_CODES, {"id": row["id"]}, {"used_at": at})
        links.link(caller, user["id"], chat_id, method="code")(transaction)
        return Linked(user["id"], user["email"])

    return step


class Guesses:
    """How many wrong codes are borne in a quarter of an hour: few of one chat, some more of all.
    Kept in memory, bounded."""

    WINDOW = timedelta(minutes=15)
    OF_CHAT, OF_ALL = 5, 60

    def __init__(self, *, clock: Callable[[], datetime] = now, kept: int = 1000) -> None:
        self._clock = clock
        self._kept = kept
        self._wrong: OrderedDict[str, deque[datetime]] = OrderedDict()
        self._all: deque[datetime] = deque()

    def open(self, chat_id: str) -> bool:
        """Whether another code of this chat is looked at."""
        return (
            self._count(self._wrong.get(chat_id, deque())) < self.OF_CHAT
            and self._count(self._all) < self.OF_ALL
        )

    def wrong(self, chat_id: str) -> None:
        for tries in (self._wrong.setdefault(chat_id, deque()), self._all):
            tries.append(self._clock())
        self._wrong.move_to_end(chat_id)
        while len(self._wrong) > self._kept:
            self._wrong.popitem(last=False)

    def _count(self, tries: deque[datetime]) -> int:
        while tries and self._clock() - tries[0] >= self.WINDOW:
            tries.popleft()
        return len(tries)
