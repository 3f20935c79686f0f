"""`/admin/groups`: groups of people, one of them opened: who is in it, what it opens, and who would
lose what without it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from console import links
from console.effective import Access, Path, Resource
from console.identity import groups
from console.identity.lookup import Row
from console.pages.access import done
from console.pages.access.page import Page
from console.pages.access.reading import Reading
from console.pages.access.state import GroupsState
from console.pages.parts import Part
from schema.errors import NotFound, shorten

ROWS = 50
MEMBERS = 200  # of one group, on its page
_KNOWN = 500  # people whom the browser itself offers while one types
COLUMNS = (
    ("name", "Group"),
    ("members", "Members"),
    ("grants", "May open"),
    ("created", "Since"),
)


@dataclass(frozen=True)
class Listed:
    row: Row
    opens: Sequence[Resource]


@dataclass(frozen=True)
class List:
    groups: Sequence[Listed]
    offset: int
    total: int


@dataclass(frozen=True)
class Opened:
    """`members`: at most 200, of `size`; `opens`: each with its grant; `others`: what it could be
    granted; `known`: people whom the browser offers while one types; `lost`: who would lose what
    without it. `log`: its changes."""

    row: Row
    members: Sequence[Row]
    size: int
    opens: Sequence[tuple[Resource, Row]]
    others: Sequence[Resource]
    known: Sequence[Row]
    lost: Sequence[Path]
    log: str

    @property
    def losers(self) -> int:
        return len({path.person["id"] for path in self.lost})


def listed(reading: Reading[GroupsState]) -> List | None:
    state = reading.state
    if state.group:
        return None
    access, text = reading.access, state.q.casefold()
    every = [Listed(row, opens(access, row["id"])) for row in access.groups]
    found = [
        one
        for one in every
        if text in f"{one.row['name']}\n{one.row['description'] or ''}".casefold()
    ]
    by, falling = state.order
    found.sort(key=_KEYS[by], reverse=falling)
    return List(found[state.offset : state.offset + ROWS], state.offset, len(found))


_KEYS: Mapping[str, Callable[[Listed], Any]] = {
    "name": lambda one: one.row["name"].casefold(),
    "members": lambda one: one.row["members"],
    "grants": lambda one: len(one.opens),
    "created": lambda one: one.row["created_at"],
}


def opens(access: Access, group: str) -> list[Resource]:
    return [one for one in access.resources if access.grant(group, one) is not None]


def one(reading: Reading[GroupsState]) -> Opened | None:
    """Raises NotFound."""
    state, access = reading.state, reading.access
    if not state.group:
        return None
    row = next((row for row in access.groups if row["id"] == state.group), None)
    if row is None:
        raise NotFound(
            f"no group {shorten(state.group)}", detail="It may be deleted; the list has all others."
        )
    id = row["id"]
    inside = {user for user, mine in access.members.items() if id in mine}
    members = reading.instance.store.read(groups.members(id).limit(MEMBERS)).to_pylist()
    granted = [(one, access.grant(id, one)) for one in access.resources]
    outside = [
        person for user, person in access.people.items() if user not in inside and _may(person)
    ]
    outside.sort(key=lambda person: person["email"].casefold())
    return Opened(
        row=row,
        members=[{**member, **_account(access, member["user_id"])} for member in members],
        size=len(inside),
        opens=[(one, grant) for one, grant in granted if grant is not None],
        others=[one for one, grant in granted if grant is None],
        known=outside[:_KNOWN],
        lost=access.only_by(id) if state.do == "delete" else (),
        log=links.changes_of(f"group:{id}"),
    )


def gone(reading: Reading[GroupsState]) -> str:
    """Where the changes of the group stand that the address names, also when it is no more."""
    return links.changes_of(f"group:{reading.state.group}")


def _may(person: Row) -> bool:
    return bool(person["is_active"])


def _account(access: Access, user: str) -> Row:
    person = access.people.get(user) or {"is_admin": False, "is_active": False}
    return {name: person[name] for name in ("is_admin", "is_active")}


class GroupsPage(Page[GroupsState]):
    path = "/admin/groups"
    title = "Groups"
    about = "people together, and what they may open"
    shortcut = "g p"
    state = GroupsState
    terminal = "agnes admin groups"
    parts = (
        Part("done", done.read),
        Part("filters", gone, alone=True, template="access/group_filters.html"),
        Part("create", lambda reading: True, template="access/group_create.html"),
        Part("one", one, template="access/group.html"),
        Part("rows", listed, template="access/group_rows.html"),
    )
    columns = COLUMNS

    def stated(self, reading: Reading[GroupsState], query: str) -> Reading[GroupsState]:
        reading = super().stated(reading, query)
        if reading.state.do in ("change", "delete") and not reading.state.group:
            return replace(reading, state=GroupsState.of(""))
        return reading
