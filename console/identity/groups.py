"""Groups and who is in them. What a group may open is in `grants`.

The functions are steps for `Store.write`: they check inside the write, where nothing can race.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import ibis.expr.types as ir

from console.audit import Caller, entry, new_id, now
from console.identity import typed
from console.identity.lookup import Reads, Row, changes, containing, one, pick, where
from schema.errors import Conflict, NotFound, shorten
from schema.table import rows_of
from schema.tables import RESOURCE_GRANTS, USER_GROUP_MEMBERS, USER_GROUPS, USERS
from schema.transaction import Rows, Transaction

SHOWN = ("id", "name", "description", "created_at", "claim", "members")
MEMBER_SHOWN = ("user_id", "email", "name", "added_at")
# Within the length of a text in the log, so that `params_before` can bring a group back whole.
NAME_LIMIT, DESCRIPTION_LIMIT, CLAIM_LIMIT = 100, 250, 250
_GRANT_KEPT = ("id", "resource_type", "resource_id", "created_at", "created_by")
Step = Callable[[Transaction], Row]
Quiet = Callable[[Transaction], None]


def listing(text: str | None = None) -> ir.Table:
    """Groups by name, with how many are in them; `text` is looked for in name and description."""
    groups, members = rows_of(USER_GROUPS), rows_of(USER_GROUP_MEMBERS)
    sizes = members.group_by("group_id").aggregate(size=members.count())
    rows = groups.left_join(sizes, groups.id == sizes.group_id)
    rows = rows.mutate(members=rows["size"].fill_null(0)).select(*SHOWN)
    rows = containing(rows, text, "name", "description")
    return rows.order_by([rows.name.lower(), rows.id])


def members(group_id: str, text: str | None = None) -> ir.Table:
    """Who is in a group, by e-mail; deactivated users too."""
    people = rows_of(USERS).select("name", "email", user_id="id")
    rows = where(USER_GROUP_MEMBERS, group_id=group_id).join(people, "user_id")
    rows = containing(rows.select(*MEMBER_SHOWN), text, "email", "name")
    return rows.order_by([rows.email.lower(), rows.user_id])


def create(
    caller: Caller, *, name: str, description: str | None = None, claim: str | None = None
) -> Step:
    """`claim`: the OpenID provider's group that it follows. Raises BadParameter, and Conflict for a
    name that is taken."""
    row: Row = {
        "id": new_id(),
        "name": typed.label("name", name, NAME_LIMIT),
        "description": typed.label_or_none("description", description, DESCRIPTION_LIMIT),
        "created_at": now(),
        "claim": typed.label_or_none("claim", claim, CLAIM_LIMIT),
    }

    def step(transaction: Transaction) -> Row:
        refuse_taken(transaction, row["id"], row["name"])
        transaction.insert(Rows(USER_GROUPS, [row]))
        params = pick(row, ("id", "name", "description", "claim"))
        transaction.insert(_entry(caller, "user_groups.create", row["id"], params))
        return {**row, "members": 0}

    return step


def update(caller: Caller, id: str, wanted: Mapping[str, Any]) -> Step:
    """Set what is `wanted` of name, description and claim. Raises NotFound, BadParameter and
    Conflict."""
    clean = dict(wanted)
    if "name" in clean:
        clean["name"] = typed.label("name", clean["name"], NAME_LIMIT)
    for name, limit in (("description", DESCRIPTION_LIMIT), ("claim", CLAIM_LIMIT)):
        if name in clean:
            clean[name] = typed.label_or_none(name, clean[name], limit)

    def step(transaction: Transaction) -> Row:
        before = one(transaction, USER_GROUPS, "group", id)
        after = {**before, **clean}
        if new := changes(before, clean):
            refuse_taken(transaction, id, after["name"])
            transaction.update(USER_GROUPS, {"id": id}, new)
            params = {"id": id, "name": after["name"], **new, "changed": sorted(new)}
            transaction.insert(_entry(caller, "user_groups.update", id, params, before))
        size = len(transaction.read(where(USER_GROUP_MEMBERS, group_id=id).select("user_id")))
        return {**after, "members": size}

    return step


def delete(caller: Caller, id: str) -> Quiet:
    """The group, its memberships and its grants go together; `params_before` holds them all."""

    def step(transaction: Transaction) -> None:
        group = one(transaction, USER_GROUPS, "group", id)
        members = transaction.read(where(USER_GROUP_MEMBERS, group_id=id))
        grants = transaction.read(where(RESOURCE_GRANTS, group_id=id))
        before = {
            **group,
            "members": [pick(member, ("user_id", "added_at")) for member in members],
            "grants": [pick(grant, _GRANT_KEPT) for grant in grants],
        }
        for table, column in (
            (USER_GROUP_MEMBERS, "group_id"),
            (RESOURCE_GRANTS, "group_id"),
            (USER_GROUPS, "id"),
        ):
            transaction.delete(table, {column: id})
        params = {
            "id": id,
            "name": group["name"],
            "members": len(members),
            "grants": len(grants),
        }
        transaction.insert(_entry(caller, "user_groups.delete", id, params, before))

    return step


def add_member(caller: Caller, group_id: str, user_id: str, *, source: str | None = None) -> Step:
    """`source`: who said so, where it was no person. Raises NotFound, and Conflict for somebody who
    is in it. The answer is the row as shown."""

    def step(transaction: Transaction) -> Row:
        group = one(transaction, USER_GROUPS, "group", group_id)
        user = one(transaction, USERS, "user", user_id)
        if transaction.read(where(USER_GROUP_MEMBERS, group_id=group_id, user_id=user_id)):
            raise Conflict(f"{user['email']} is in the group {group['name']} already")
        row = {"group_id": group_id, "user_id": user_id, "added_at": now()}
        transaction.insert(Rows(USER_GROUP_MEMBERS, [row]))
        params = {**_membership(group, user), "source": source}
        transaction.insert(_entry(caller, "user_group_members.add", group_id, params))
        return pick({**user, **row}, MEMBER_SHOWN)

    return step


def remove_member(
    caller: Caller, group_id: str, user_id: str, *, source: str | None = None
) -> Quiet:
    """Raises NotFound, also for somebody who is not in the group."""

    def step(transaction: Transaction) -> None:
        group = one(transaction, USER_GROUPS, "group", group_id)
        found = transaction.read(where(USER_GROUP_MEMBERS, group_id=group_id, user_id=user_id))
        if not found:
            raise NotFound(f"no user {shorten(user_id)} in the group {group['name']}")
        user = one(transaction, USERS, "user", user_id)
        transaction.delete(USER_GROUP_MEMBERS, {"group_id": group_id, "user_id": user_id})
        params = {**_membership(group, user), "source": source}
        transaction.insert(_entry(caller, "user_group_members.remove", group_id, params, found[0]))

    return step


def _membership(group: Row, user: Row) -> Row:
    return {
        "group_id": group["id"],
        "group_name": group["name"],
        "user_id": user["id"],
        "email": user["email"],
    }


def refuse_taken(reads: Reads, id: str, name: str) -> None:
    """Raises Conflict when another group has this name, in whatever case."""
    for other in reads.read(rows_of(USER_GROUPS).select("id", "name")):
        if other["id"] != id and other["name"].casefold() == name.casefold():
            raise Conflict(
                f"a group with the name {other['name']} exists already", detail="Use another name."
            )


def _entry(caller: Caller, action: str, id: str, params: Row, before: Row | None = None) -> Rows:
    return entry(caller, action, resource=f"group:{id}", params=params, before=before)
