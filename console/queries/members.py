"""The rows of some people: what one may see, kept to the members of a group."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import ibis
import ibis.expr.types as ir

from schema.bind import Value, point
from schema.policy import Seen
from schema.table import rows_of
from schema.tables import USER_GROUP_MEMBERS, USER_GROUPS


@dataclass(frozen=True)
class SeenOf(Seen):
    """The rows of `table` that one may see and whose owner is one of `members`, ids of users. Of an
    empty group there are none."""

    members: Any = ()

    def shape(self) -> Hashable:
        return ("of members", super().shape())

    def values(self) -> Mapping[str, Value]:
        return {**super().values(), "members": list(self.members)}

    def bound(self, prefix: str) -> Self:
        members = point(prefix + "members", list(self.members))
        return replace(super().bound(prefix), members=members)

    def rows(self) -> ir.Table:
        rows, members = super().rows(), self.members
        if isinstance(members, tuple | list):
            members = ibis.literal(list(members), type="array<string>")
        return rows.filter(members.contains(rows[self.table.owner]))


def groups(name: Any) -> ir.Table:
    """`id, name` of the group with this id, or this name whatever its case."""
    rows = rows_of(USER_GROUPS)
    named = (rows.id == name.text) | (rows.name.lower() == name.text.lower())
    return rows.filter(named).select("id", "name").order_by("id")


def members(group: Any) -> ir.Table:
    rows = rows_of(USER_GROUP_MEMBERS)
    return rows.filter(rows.group_id == group.text).select("user_id").order_by("user_id")
