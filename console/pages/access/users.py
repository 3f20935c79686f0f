"""`/admin/users`: everybody with an account: what they are, when they were seen, what they hold."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from console.identity import groups
from console.identity.lookup import Row
from console.pages.access import done
from console.pages.access.page import Page
from console.pages.access.reading import Reading
from console.pages.access.state import UsersState
from console.pages.parts import Part
from console.queries import people
from schema.bind import At
from schema.policy import Seen
from schema.store import Store
from schema.tables import AUDIT_LOG

ROWS = 50
MONTH = timedelta(days=30)
_NEVER = datetime.min
ONLY = {
    "active": "May sign in",
    "admin": "Admins",
    "deactivated": "Deactivated",
    "never": "Never signed in",
    "alone": "In no group",
}
COLUMNS = (
    ("name", "Person"),
    ("account", "Account"),
    ("groups", "Groups"),
    ("seen", "Last seen"),
    ("sessions", "Sessions 30 d"),
    ("tokens", "Tokens"),
    ("created", "Since"),
)


@dataclass(frozen=True)
class Person:
    """`seen`: the latest of what the log, a token and a browser say, None for never. `tokens`:
    those that work now."""

    row: Row
    groups: Sequence[Row]
    seen: datetime | None
    sessions: int
    tokens: int

    @property
    def label(self) -> str:
        return str(self.row["name"] or self.row["email"])

    @property
    def account(self) -> str:
        if not self.row["is_active"]:
            return "deactivated"
        return "admin" if self.row["is_admin"] else "active"


@dataclass(frozen=True)
class List:
    people: Sequence[Person]
    offset: int
    total: int
    everybody: int
    counts: Mapping[str, int]
    groups: Sequence[Row]


def everybody(reading: Reading[Any]) -> list[Person]:
    """Blocks."""
    store, at = reading.instance.store, At(reading.at)
    mine: dict[str, list[Row]] = defaultdict(list)
    for row in store.rows(people.memberships):
        mine[row["user_id"]].append(row)
    log = Seen(AUDIT_LOG, reading.caller.me)
    used = _by_user(store, people.used, at)
    seen = (_by_user(store, people.seen, log), used, _by_user(store, people.browsers))
    uploads = _by_user(store, people.uploads, At(reading.at - MONTH))

    def person(row: Row) -> Person:
        id = row["id"]
        times = [found[id]["at"] for found in seen if id in found and found[id]["at"]]
        return Person(
            row,
            mine[id],
            max(times, default=None),
            int(uploads[id]["sessions"]) if id in uploads else 0,
            int(used[id]["live"]) if id in used else 0,
        )

    return [person(row) for row in store.rows(people.accounts)]


def _by_user(store: Store, question: Callable[..., Any], *args: Any) -> dict[str, Row]:
    return {row["user_id"]: row for row in store.rows(question, *args)}


def listed(reading: Reading[UsersState]) -> List:
    """One page of those who are asked for."""
    state, every = reading.state, everybody(reading)
    text = state.q.casefold()
    found = [
        one
        for one in every
        if (not text or text in f"{one.row['email']}\n{one.row['name'] or ''}".casefold())
        and (not state.group or any(row["group_id"] == state.group for row in one.groups))
    ]
    counts = {name: sum(is_(one) for one in found) for name, is_ in _IS.items()}
    if state.only:
        found = [one for one in found if _IS[state.only](one)]
    by, falling = state.order
    found.sort(key=lambda one: (one.row["email"].casefold(), one.row["id"]))
    found.sort(key=_KEYS[by], reverse=falling)  # stable: equal ones stay by e-mail
    page = found[state.offset : state.offset + ROWS]
    named = reading.instance.store.rows(groups.listing)
    return List(page, state.offset, len(found), len(every), counts, named)


_IS: Mapping[str, Callable[[Person], bool]] = {
    "active": lambda one: bool(one.row["is_active"]),
    "admin": lambda one: one.account == "admin",
    "deactivated": lambda one: not one.row["is_active"],
    "never": lambda one: one.seen is None,
    "alone": lambda one: not one.groups,
}
_KEYS: Mapping[str, Callable[[Person], Any]] = {
    "name": lambda one: one.label.casefold(),
    "account": lambda one: one.account,
    "groups": lambda one: len(one.groups),
    "seen": lambda one: one.seen or _NEVER,
    "sessions": lambda one: one.sessions,
    "tokens": lambda one: one.tokens,
    "created": lambda one: one.row["created_at"],
}


class UsersPage(Page[UsersState]):
    path = "/admin/users"
    title = "Users"
    about = "who may sign in, and who did"
    shortcut = "g u"
    state = UsersState
    terminal = "agnes admin users"
    parts = (
        Part("done", done.read),
        Part("filters", lambda reading: ONLY, alone=True, template="access/user_filters.html"),
        Part("create", lambda reading: True, template="access/user_create.html"),
        Part("rows", listed, template="access/user_rows.html"),
    )
    columns = COLUMNS
