"""What somebody finds in the console: the messages for them, whichever way they went, and which of
those they have not seen. A message that Telegram took was seen; one that it did not take was not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from console.audit import now, printable
from console.queries import notifications as questions
from schema.policy import Principal, Seen
from schema.store import Store
from schema.tables import FEEDBACK_REPORTS, NOTIFICATIONS
from schema.transaction import Transaction

KEPT = timedelta(days=30)  # after it was read
LATEST = 20  # in the menu
MOST_IDS = 200
Row = dict[str, Any]


@dataclass(frozen=True)
class Bell:
    """Some messages, newest first; how many there are and how many of them were not read."""

    rows: list[Row]
    total: int
    unread: int


def own(principal: Principal) -> Seen:
    """Everybody's bell is their own, an admin's too."""
    return Seen(NOTIFICATIONS, principal.as_anybody())


def counted(store: Store, principal: Principal) -> tuple[int, int]:
    """How many there are, and how many were not read. Blocks, like all that reads here."""
    (found,) = store.rows(questions.counted, own(principal))
    return int(found["total"]), int(found["unread"])


def listing(
    store: Store,
    principal: Principal,
    *,
    unread: bool = False,
    limit: int = LATEST,
    offset: int = 0,
) -> Bell:
    """A page of them; `unread`: only those that were not read, which then are the `total`. `words`
    are a report's, where this reader may read it."""
    seen, reports = own(principal), Seen(FEEDBACK_REPORTS, principal)
    total, new = counted(store, principal)
    asked = "unread" if unread else ""
    rows = store.rows(questions.page, seen, reports, asked, limit, offset)
    for row in rows:
        row["words"] = row["words"] and printable(" ".join(row["words"].split()))
    return Bell(rows, new if unread else total, new)


def read(
    principal: Principal, ids: Sequence[str] | None = None
) -> Callable[[Transaction], tuple[int, int]]:
    """Those of one's own unread messages that are named, or all of them, are read now: how many
    that were, and how many remain. Like a view's last look this is no change that anybody made of
    anything: it stands in no audit row."""
    seen = own(principal)

    def step(transaction: Transaction) -> tuple[int, int]:
        unread = [row["id"] for row in transaction.ask(questions.unread_ids, seen)]
        mine = unread if ids is None else sorted(set(ids) & set(unread))
        if mine:
            transaction.update_among(NOTIFICATIONS, "id", mine, {"read_at": now()})
        return len(mine), len(unread) - len(mine)

    return step


def prune(at: datetime) -> Callable[[Transaction], None]:
    """Forget what was read long before `at`."""

    def step(transaction: Transaction) -> None:
        transaction.delete_before(NOTIFICATIONS, "read_at", at - KEPT)

    return step
