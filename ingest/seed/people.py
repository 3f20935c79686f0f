"""Who acts: the people already in the file and those the seed adds, with their time zones and
habits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import ibis
import numpy as np

from ingest.seed.draws import HOUR, Flags, Floats, Ints, pick, source
from ingest.seed.ids import uuid7
from ingest.seed.rhythm import Window
from ingest.seed.words import FIRST_NAMES, GROUPS, LAST_NAMES
from schema.store import Store
from schema.table import Table
from schema.tables import RESOURCE_GRANTS, USER_GROUP_MEMBERS, USER_GROUPS, USERS
from schema.transaction import Rows

Row = Mapping[str, Any]

# What people are like; `Recipe.habits` says how often each does what.
ROLES = ("analyst", "builder", "manager", "operator")
_SHARES = (0.55, 0.27, 0.18)  # of those who are no admins
_ZONES = (-480, -300, 0, 60, 60, 120, 330, 480)  # minutes east of UTC
_ADMINS = 50  # one admin more for so many people
_GONE = 30  # one of so many has left
_FOUNDED = 40 * 24 * HOUR  # how long before the window the first account was made


@dataclass(frozen=True)
class Crowd:
    """Everybody who may act, in one order; arrays run along it."""

    ids: tuple[str, ...]
    emails: tuple[str, ...]
    names: tuple[str, ...]
    admin: Flags
    active: Flags
    role: Ints
    zone: Ints
    weight: Floats  # how much of what happens is theirs; nothing, once they have left

    @classmethod
    def of(cls, seed: int, rows: Sequence[Row]) -> Crowd:
        rng = source(seed, "habits")
        n = len(rows)
        admin = np.array([bool(row["is_admin"]) for row in rows], np.bool_)
        active = np.array([bool(row["is_active"]) for row in rows], np.bool_)
        drawn = rng.choice(3, n, p=_SHARES).astype(np.int64)
        rank = rng.permutation(n).astype(np.float64)
        return cls(
            ids=tuple(row["id"] for row in rows),
            emails=tuple(row["email"] for row in rows),
            names=tuple(row["name"] or row["email"] for row in rows),
            admin=admin,
            active=active,
            role=np.where(admin, ROLES.index("operator"), drawn),
            zone=np.asarray(_ZONES, np.int64)[rng.integers(0, len(_ZONES), n)],
            weight=np.where(active, (rank * np.where(admin, 0.2, 1.0) + 2.0) ** -0.9, 0.0),
        )

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def gone(self) -> tuple[int, ...]:
        return tuple(int(at) for at in np.flatnonzero(~self.active))

    @cached_property
    def admins(self) -> tuple[int, ...]:
        return tuple(int(at) for at in np.flatnonzero(self.admin & self.active))


@dataclass(frozen=True)
class Newcomers:
    """Rows to add: accounts, groups, who is in them, what they may open."""

    users: list[Row]
    groups: list[Row]
    members: list[Row]
    grants: list[Row]

    @property
    def steps(self) -> list[Rows]:
        pairs = (
            (USERS, self.users),
            (USER_GROUPS, self.groups),
            (USER_GROUP_MEMBERS, self.members),
            (RESOURCE_GRANTS, self.grants),
        )
        return [Rows(table, rows) for table, rows in pairs if rows]


def present(store: Store) -> list[Row]:
    """The users in the file, in the order they came."""
    return _rows(store, USERS, "created_at", "id")


def newcomers(seed: int, count: int, window: Window, store: Store) -> Newcomers:
    """`count` new accounts, fewer where the file holds their e-mails already, and their groups.

    The first of them is an admin when the file has none.
    """
    there = present(store)
    taken = {row["email"] for row in there}
    lacking = not any(row["is_admin"] and row["is_active"] for row in there)
    users = [
        row for row in _accounts(seed, count, window, lacking=lacking) if row["email"] not in taken
    ]
    admin = next((row["id"] for row in [*there, *users] if row["is_admin"]), None)
    old = {row["name"] for row in _rows(store, USER_GROUPS, "id")}
    groups, members, grants = _groups(seed, users, window, admin, old)
    return Newcomers(users, groups, members, grants)


def _accounts(seed: int, count: int, window: Window, *, lacking: bool) -> list[Row]:
    rng = source(seed, "accounts")
    first, last = pick(rng, FIRST_NAMES, count), pick(rng, LAST_NAMES, count)
    made = window.start - _FOUNDED + np.sort(rng.integers(0, _FOUNDED, count))
    ids = uuid7(seed, "users", made, np.arange(count)).to_pylist()
    left = window.start + rng.integers(0, window.length, count)
    rows: list[Row] = []
    seen: dict[str, int] = {}
    for at in range(count):
        local = f"{first[at][1]}.{last[at][1]}"
        seen[local] = seen.get(local, 0) + 1
        number = "" if seen[local] == 1 else str(seen[local])
        gone = at % _GONE == _GONE - 1
        rows.append(
            {
                "id": ids[at],
                "email": f"{local}{number}@example.com",
                "name": f"{first[at][0]} {last[at][0]}",
                "is_admin": (lacking and at == 0) or at % _ADMINS == _ADMINS // 2,
                "is_active": not gone,
                "created_at": _time(made[at]),
                "deactivated_at": _time(left[at]) if gone else None,
            }
        )
    return rows


def _groups(
    seed: int, users: Sequence[Row], window: Window, admin: str | None, old: set[str]
) -> tuple[list[Row], list[Row], list[Row]]:
    """Groups, their members, their grants. Each newcomer is in one group or two."""
    rng = source(seed, "groups")
    fresh = [group for group in GROUPS if group.name not in old][: len(users)]
    made = window.start - _FOUNDED + np.sort(rng.integers(0, HOUR, len(fresh)))
    ids = uuid7(seed, "groups", made, np.arange(len(fresh))).to_pylist()
    groups: list[Row] = [
        {"id": id, "name": group.name, "description": group.about, "created_at": _time(at)}
        for id, group, at in zip(ids, fresh, made, strict=True)
    ]
    wanted = [
        (id, grant, at)
        for id, group, at in zip(ids, fresh, made, strict=True)
        for grant in group.grants
    ]
    times = np.array([at for _, _, at in wanted], np.int64)
    keys = uuid7(seed, "grants", times, np.arange(len(wanted))).to_pylist()
    grants: list[Row] = [
        {
            "id": key,
            "group_id": id,
            "resource_type": kind,
            "resource_id": what,
            "created_at": _time(at),
            "created_by": admin,
        }
        for key, (id, (kind, what), at) in zip(keys, wanted, strict=True)
    ]
    members: list[Row] = []
    for user, pair in zip(
        users, rng.integers(0, max(len(ids), 1), (len(users), 2)).tolist(), strict=True
    ):
        for at in sorted(set(pair)) if ids else ():
            members.append(
                {"group_id": ids[at], "user_id": user["id"], "added_at": user["created_at"]}
            )
    return groups, members, grants


def _time(micros: Any) -> Any:
    return np.datetime64(int(micros), "us").item()


def _rows(store: Store, table: Table, *order: str) -> list[Row]:
    rows: Any = ibis.table(table.schema, name=table.name)
    found: list[Row] = store.read(rows.order_by(list(order))).to_pylist()
    return found
