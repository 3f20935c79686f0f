"""Why these rows: the rule, who asks, what was granted, and how many rows that comes to. SPEC
section 15."""

from __future__ import annotations

from typing import Any

from console.asking import questions
from console.figures import number
from console.identity.access import granted
from console.instance import Instance
from console.tables.offered import INTERNAL, Offer
from schema.policy import Principal


def explain(instance: Instance, principal: Principal, table: Offer) -> dict[str, Any]:
    """`{table_id, rule, principal, grants, visible, total, because}`; `grants` are those without
    which they would not see the table, `total` is for admins. Blocks. Raises Unreadable."""
    standing = table.standing()
    scope = questions.scope({}, principal)
    grants = [] if principal.is_admin else _grants(instance, principal, table)
    return {
        "table_id": table.id,
        "rule": standing.get("rule") or scope["rule"],
        "principal": scope["principal"],
        "grants": grants,
        "visible": standing["visible"],
        "total": standing["total"],
        "because": _because(principal, table, standing, grants),
    }


def _grants(instance: Instance, principal: Principal, table: Offer) -> list[dict[str, Any]]:
    """None opens an `agnes_*` table: everybody may question them."""
    if table.kind == INTERNAL:
        return []
    rows = granted(instance.store, principal.user_id)
    mine = ("table", table.id)
    return [row for row in rows if (row["resource_type"], row["resource_id"]) == mine]


def _because(
    principal: Principal, table: Offer, standing: dict[str, Any], grants: list[dict[str, Any]]
) -> str:
    viewed = principal.view is not None
    who, sees = (principal.name or principal.email, "sees") if viewed else ("You", "see")
    count = standing["visible"]
    rows = "rows" if count is None else f"{number(count)} row{'' if count == 1 else 's'}"
    if principal.is_admin and count is None:
        return "You are an admin, and admins see all rows. They are counted at their source only."
    if principal.is_admin:
        return f"You are an admin, and admins see all rows: {number(count)} of {rows}."
    if table.kind == INTERNAL:
        whose = "theirs" if viewed else "yours"
        return (
            f"{who} {sees} {rows}: those that are {whose}. Everybody but admins sees their own rows"
            " in this table, whatever their groups were granted."
        )
    groups = ", ".join(dict.fromkeys(str(grant["group_name"]) for grant in grants))
    return f"{who} {sees} all {rows}, because the table was granted to a group: {groups}."
