"""Questions about one person with an account."""

from __future__ import annotations

from typing import Any

import ibis.expr.types as ir

from schema.policy import Seen
from schema.table import rows_of
from schema.tables import USER_GROUP_MEMBERS, USER_GROUPS, USERS

_ACCOUNT = ("id", "email", "name", "is_admin", "is_active", "created_at", "deactivated_at")


def account(user: Any) -> ir.Table:
    """The row of `users` with this id, or none; no secret is in it."""
    users = rows_of(USERS)
    return users.filter(users.id == user.text).select(*_ACCOUNT)


def groups(user: Any) -> ir.Table:
    """`id, name` of the groups that somebody is in, by name."""
    members, named = rows_of(USER_GROUP_MEMBERS), rows_of(USER_GROUPS)
    mine = members.filter(members.user_id == user.text).select("group_id")
    found = named.join(mine, named.id == mine.group_id)
    return found.order_by([found.name.lower(), found.id]).select("id", "name")


def last_seen(seen: Seen, user: Any) -> ir.Table:
    """`at`: when the log last says that they did something; null for never."""
    rows = seen.rows()
    mine = rows.filter(rows.user_id == user.text)
    return mine.aggregate(at=mine.timestamp.max())
