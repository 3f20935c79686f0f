"""Who gains and who loses what by a change of groups, members or grants, before it is made.

The change is made in memory, to rows that were read, and the rule of `access.judge` is asked before
and after.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from console.changes.edits import Edit
from console.identity.access import judge
from console.identity.lookup import Reads, Row
from schema.policy import Principal
from schema.table import rows_of
from schema.tables import RESOURCE_GRANTS, USER_GROUP_MEMBERS, USER_GROUPS, USERS

_TABLES = (USER_GROUPS, USER_GROUP_MEMBERS, RESOURCE_GRANTS)


def access(reads: Reads, edits: Iterable[Edit]) -> dict[str, list[Row]]:
    """`{gains, loses}`: one row for each user and resource whose decision changes, with the rule
    that gives it, or gave it. By e-mail and resource."""
    edits = [edit for edit in edits if edit.table in _TABLES]
    if not edits:
        return {"gains": [], "loses": []}
    before = {table.name: reads.read(rows_of(table)) for table in _TABLES}
    after = dict(before)
    for edit in edits:
        after[edit.table.name] = edit.tried(after[edit.table.name])
    had, has = _opened(before), _opened(after)
    found: dict[str, list[Row]] = {"gains": [], "loses": []}
    for person in reads.read(rows_of(USERS).select(*_PERSON)):
        old_rows, new_rows = had[person["id"]], has[person["id"]]
        if old_rows == new_rows:
            continue
        for resource in {_resource(row) for row in old_rows + new_rows}:
            old = judge(_principal(person), old_rows, *resource)
            new = judge(_principal(person), new_rows, *resource)
            if old.allowed != new.allowed:
                rule = (new if new.allowed else old).rule
                side = "gains" if new.allowed else "loses"
                found[side].append(_told(person, resource, rule))
    return {side: sorted(rows, key=_place) for side, rows in found.items()}


def deactivated(reads: Reads, edits: Iterable[Edit]) -> list[str]:
    """The e-mails of those who come back into a group and may not sign in."""
    back = {
        row["user_id"] for edit in edits if edit.table is USER_GROUP_MEMBERS for row in edit.rows
    }
    if not back:
        return []
    users = rows_of(USERS)
    gone = reads.read(users.filter(~users.is_active).select("id", "email"))
    return sorted(user["email"] for user in gone if user["id"] in back)


_PERSON = ("id", "email", "name", "is_admin", "is_active")
Resource = tuple[str, str | None]


def _opened(identity: Mapping[str, list[Row]]) -> defaultdict[str, list[Row]]:
    """User id -> what their groups were granted, as `access.granted` gives it."""
    names = {row["id"]: row["name"] for row in identity[USER_GROUPS.name]}
    granted: defaultdict[str, list[Row]] = defaultdict(list)
    for row in identity[RESOURCE_GRANTS.name]:
        if row["group_id"] in names:
            granted[row["group_id"]].append({**row, "group_name": names[row["group_id"]]})
    opened: defaultdict[str, list[Row]] = defaultdict(list)
    for row in identity[USER_GROUP_MEMBERS.name]:
        opened[row["user_id"]] += granted[row["group_id"]]
    return opened


def _resource(row: Row) -> Resource:
    return row["resource_type"], row["resource_id"]


def _principal(person: Row) -> Principal | None:
    return Principal(person["id"], is_admin=person["is_admin"]) if person["is_active"] else None


def _told(person: Row, resource: Resource, rule: str) -> Row:
    return {
        "user_id": person["id"],
        "user_email": person["email"],
        "user_name": person["name"],
        "resource_type": resource[0],
        "resource_id": resource[1],
        "rule": rule,
    }


def _place(row: Row) -> tuple[str, ...]:
    return row["user_email"], row["user_id"], row["resource_type"], row["resource_id"] or ""
