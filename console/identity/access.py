"""May this person open that, and which rule says so. It reads what the gate reads."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from console.identity.grants import OWN_ROWS, resource
from console.identity.lookup import Reads, Row, where
from schema.policy import Principal
from schema.store import Store
from schema.table import rows_of
from schema.tables import RESOURCE_GRANTS, USER_GROUP_MEMBERS, USER_GROUPS


@dataclass(frozen=True)
class Decision:
    allowed: bool
    rule: str


def decide(
    store: Store, principal: Principal | None, resource_type: str, resource_id: str | None
) -> Decision:
    """`principal` None is somebody who is deactivated. Blocks. Raises BadParameter for a resource
    that cannot be."""
    resource_id = resource(resource_type, resource_id)
    grants = [] if principal is None or principal.is_admin else granted(store, principal.user_id)
    return judge(principal, grants, resource_type, resource_id)


def judge(
    principal: Principal | None,
    grants: Iterable[Row],
    resource_type: str,
    resource_id: str | None,
) -> Decision:
    """The rule itself, for somebody whose groups have these `grants` (as `granted` gives them)."""
    what = f"{resource_type} {resource_id}" if resource_id else resource_type
    if principal is None:
        return Decision(False, "deactivated: this user may not sign in")
    if principal.is_admin:
        return Decision(True, "admin: sees everything")
    if resource_id is not None and resource_id.casefold().startswith(OWN_ROWS):
        return Decision(True, f"own rows: {resource_id} shows everybody what is theirs")
    asked = (resource_type, resource_id)
    for grant in grants:
        if (grant["resource_type"], grant["resource_id"]) == asked:
            return Decision(True, f"grant: the group {grant['group_name']} has {what}")
    return Decision(False, f"no grant: no group of this user has {what}")


def granted(store: Store, user_id: str) -> list[Row]:
    """What a user's groups were granted: group_name, resource_type, resource_id. Blocks."""
    members = where(USER_GROUP_MEMBERS, user_id=user_id).select("group_id")
    names = rows_of(USER_GROUPS).select(group_id="id", group_name="name")
    rows = rows_of(RESOURCE_GRANTS).join(members, "group_id").join(names, "group_id")
    rows = rows.select("group_name", "resource_type", "resource_id")
    found: list[Row] = store.read(rows.order_by(["group_name", "resource_type"])).to_pylist()
    return found


def granted_in(reads: Reads, user_id: str, resource_type: str) -> bool:
    """Whether one of a user's groups was granted this surface, as a write sees it."""
    members = where(USER_GROUP_MEMBERS, user_id=user_id).select("group_id")
    grants = where(RESOURCE_GRANTS, resource_type=resource_type).semi_join(members, "group_id")
    return bool(reads.read(grants.select("id")))


def groups_of(store: Store, user_id: str) -> list[Row]:
    """A user's groups: id, name. Blocks."""
    members = where(USER_GROUP_MEMBERS, user_id=user_id).select("group_id")
    names = rows_of(USER_GROUPS).select("name", group_id="id")
    rows = names.join(members, "group_id")
    found: list[Row] = store.read(rows.select("name", id="group_id").order_by("name")).to_pylist()
    return found
