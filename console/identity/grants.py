"""Grants: what the members of a group may open. A grant is added and removed, never changed.

The functions are steps for `Store.write`: they check inside the write, where nothing can race.
"""

from __future__ import annotations

from collections.abc import Callable

import ibis.expr.types as ir

from console.audit import Caller, entry, new_id, now
from console.identity import typed
from console.identity.lookup import Reads, Row, containing, one, pick, where
from schema.errors import BadParameter, Conflict
from schema.policy import RESOURCE_TYPES
from schema.table import rows_of
from schema.tables import RESOURCE_GRANTS, TABLE_REGISTRY, USER_GROUPS
from schema.transaction import Rows, Transaction

SHOWN = (
    *("id", "group_id", "group_name", "resource_type", "resource_id"),
    *("created_at", "created_by"),
)
NAMED = ("table",)  # resource types of which there are several
OWN_ROWS = "agnes_"  # tables that show everybody their own rows, whatever is granted
RESOURCE_LIMIT = 250
_KEPT = tuple(name for name in SHOWN if name != "group_name")


def listing(
    text: str | None = None, *, group_id: str | None = None, resource_type: str | None = None
) -> ir.Table:
    """Grants by group and resource; `text` is looked for in the group's name and the resource."""
    grants = rows_of(RESOURCE_GRANTS)
    if group_id is not None:
        grants = grants.filter(grants.group_id == group_id)
    if resource_type is not None:
        grants = grants.filter(grants.resource_type == known_type(resource_type))
    names = rows_of(USER_GROUPS).select(group_id="id", group_name="name")
    rows = grants.join(names, "group_id").select(*SHOWN)
    rows = containing(rows, text, "group_name", "resource_type", "resource_id")
    return rows.order_by([rows.group_name.lower(), rows.resource_type, rows.resource_id, rows.id])


def known_type(resource_type: str) -> str:
    if resource_type not in RESOURCE_TYPES:
        raise BadParameter("resource_type", resource_type, "one of " + ", ".join(RESOURCE_TYPES))
    return resource_type


def resource(resource_type: str, resource_id: str | None) -> str | None:
    """The id that goes with the type: a table's, None for a surface. Raises BadParameter."""
    if known_type(resource_type) in NAMED:
        return typed.label("resource_id", resource_id or "", RESOURCE_LIMIT)
    if resource_id is not None:
        raise BadParameter(
            "resource_id", resource_id, f"leave it out: {resource_type} is one whole"
        )
    return None


def grantable(resource_type: str, resource_id: str | None) -> str | None:
    """The `resource` of a grant. Raises BadParameter, also for what no grant can open."""
    resource_id = resource(resource_type, resource_id)
    if resource_id is not None and resource_id.casefold().startswith(OWN_ROWS):
        raise BadParameter(
            "resource_id",
            resource_id,
            f"{OWN_ROWS}… tables cannot be granted: admins see all rows, others their own",
        )
    return resource_id


def refuse_unknown(reads: Reads, resource_type: str, resource_id: str | None) -> None:
    """Raises NotFound for a table that is not registered: whoever registers one of that id later
    would have granted it unknowingly."""
    if resource_type in NAMED and resource_id is not None:
        one(reads, TABLE_REGISTRY, "table", resource_id)


def refuse_twice(reads: Reads, group: Row, resource_type: str, resource_id: str | None) -> None:
    """Raises Conflict when the group has this already."""
    for other in reads.read(where(RESOURCE_GRANTS, group_id=group["id"])):
        if (other["resource_type"], other["resource_id"]) == (resource_type, resource_id):
            what = f"{resource_type} {resource_id}" if resource_id else resource_type
            raise Conflict(f"the group {group['name']} has {what} already")


def create(
    caller: Caller, *, group_id: str, resource_type: str, resource_id: str | None = None
) -> Callable[[Transaction], Row]:
    """Raises BadParameter, NotFound for a group or a table that is none, and Conflict for what the
    group has already."""
    resource_id = grantable(resource_type, resource_id)
    row: Row = {
        "id": new_id(),
        "group_id": group_id,
        "resource_type": resource_type,
        "resource_id": resource_id,
        "created_at": now(),
        "created_by": caller.principal.user_id if caller.principal else None,
    }

    def step(transaction: Transaction) -> Row:
        group = one(transaction, USER_GROUPS, "group", group_id)
        refuse_unknown(transaction, resource_type, resource_id)
        refuse_twice(transaction, group, resource_type, resource_id)
        transaction.insert(Rows(RESOURCE_GRANTS, [row]))
        transaction.insert(_entry(caller, "resource_grants.add", row, group))
        return pick({**row, "group_name": group["name"]}, SHOWN)

    return step


def remove(caller: Caller, id: str) -> Callable[[Transaction], None]:
    """Raises NotFound."""

    def step(transaction: Transaction) -> None:
        grant = one(transaction, RESOURCE_GRANTS, "grant", id)
        group = one(transaction, USER_GROUPS, "group", grant["group_id"])
        transaction.delete(RESOURCE_GRANTS, {"id": id})
        before = pick(grant, _KEPT)
        transaction.insert(_entry(caller, "resource_grants.remove", grant, group, before))

    return step


def _entry(caller: Caller, action: str, grant: Row, group: Row, before: Row | None = None) -> Rows:
    names = ("id", "group_id", "resource_type", "resource_id")
    params = {**pick(grant, names), "group_name": group["name"]}
    return entry(caller, action, resource=f"grant:{grant['id']}", params=params, before=before)
