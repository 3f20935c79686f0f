"""`/admin/tokens`: everybody's tokens: whose, what for, until when, used when."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from console.identity import tokens
from console.identity.lookup import Row
from console.pages.access import done
from console.pages.access.page import Page
from console.pages.access.reading import Reading
from console.pages.access.state import TokensState
from console.pages.parts import Part

ROWS = 50
UNUSED = timedelta(days=90)
_SOON = timedelta(days=7)
_KNOWN = 500  # people whom the browser offers while one types
_EVER = datetime.max
ONLY = {
    "live": "Work now",
    "unused": "Unused for 90 days",
    "expired": "Expired",
    "revoked": "Revoked",
}
COLUMNS = (
    ("owner", "Owner"),
    ("name", "Name"),
    ("kind", "Kind"),
    ("state", "State"),
    ("used", "Last used"),
    ("expires", "Expires"),
    ("created", "Made"),
)


@dataclass(frozen=True)
class Token:
    """`state`: live, expired or revoked; `is_soon`: it works for less than a week; `is_unused`: it
    works, and nobody has used it for 90 days."""

    row: Row
    state: str
    is_soon: bool
    is_unused: bool


@dataclass(frozen=True)
class List:
    tokens: Sequence[Token]
    offset: int
    total: int
    everything: int
    counts: Mapping[str, int]


@dataclass(frozen=True)
class Form:
    people: Sequence[Row]
    kinds: Sequence[str] = tokens.KINDS
    days: int = tokens.DEFAULT_DAYS
    most: int = tokens.MOST_DAYS


def dressed(row: Row, at: datetime) -> Token:
    over = row["expires_at"] is not None and row["expires_at"] <= at
    state = "revoked" if row["revoked_at"] else "expired" if over else "live"
    touched = max(filter(None, (row["last_used_at"], row["created_at"])))
    soon = row["expires_at"] is not None and row["expires_at"] <= at + _SOON
    return Token(
        row,
        state,
        is_soon=state == "live" and soon,
        is_unused=state == "live" and touched <= at - UNUSED,
    )


def listed(reading: Reading[TokensState]) -> List:
    state = reading.state
    rows = [dressed(row, reading.at) for row in reading.instance.store.rows(tokens.listing)]
    found = [one for one in rows if _matches(one, state)]
    counts = {name: sum(is_(one) for one in found) for name, is_ in _IS.items()}
    if state.only:
        found = [one for one in found if _IS[state.only](one)]
    by, falling = state.order
    found.sort(key=_KEYS[by], reverse=falling)  # stable: equal ones stay newest first
    page = found[state.offset : state.offset + ROWS]
    return List(page, state.offset, len(found), len(rows), counts)


def _matches(one: Token, state: TokensState) -> bool:
    row, text = one.row, state.q.casefold()
    if state.user_id and row["user_id"] != state.user_id:
        return False
    told = f"{row['id']}\n{row['user_email'] or ''}\n{row['name']}\n{row['kind']}"
    return text in told.casefold()


_IS: Mapping[str, Callable[[Token], bool]] = {
    "live": lambda one: one.state == "live",
    "unused": lambda one: one.is_unused,
    "expired": lambda one: one.state == "expired",
    "revoked": lambda one: one.state == "revoked",
}
_KEYS: Mapping[str, Callable[[Token], Any]] = {
    "owner": lambda one: (one.row["user_email"] or "").casefold(),
    "name": lambda one: one.row["name"].casefold(),
    "kind": lambda one: one.row["kind"],
    "state": lambda one: one.state,
    "used": lambda one: one.row["last_used_at"] or datetime.min,
    "expires": lambda one: one.row["expires_at"] or _EVER,
    "created": lambda one: one.row["created_at"],
}


def form(reading: Reading[TokensState]) -> Form | None:
    if reading.state.do != "create":
        return None
    people = [one for one in reading.access.people.values() if one["is_active"]]
    people.sort(key=lambda one: one["email"].casefold())
    return Form(people[:_KNOWN])


class TokensPage(Page[TokensState]):
    path = "/admin/tokens"
    title = "Tokens"
    about = "what terminals and agents sign in with; their text is shown once"
    shortcut = "g k"
    state = TokensState
    terminal = "agnes admin tokens"
    parts = (
        Part("done", done.read),
        Part("filters", lambda reading: ONLY, alone=True, template="access/token_filters.html"),
        Part("create", form, template="access/token_create.html"),
        Part("rows", listed, template="access/token_rows.html"),
    )
    columns = COLUMNS
