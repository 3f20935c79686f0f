"""Questions about the registry of tables."""

from __future__ import annotations

import ibis.expr.types as ir

from schema.table import rows_of
from schema.tables import (
    RESOURCE_GRANTS,
    TABLE_REGISTRY,
    USER_GROUP_MEMBERS,
    USER_GROUPS,
    USERS,
)


def of_source(source_type: str) -> ir.Table:
    """The tables of one kind of source, by name."""
    rows = rows_of(TABLE_REGISTRY)
    rows = rows.filter(rows.source_type == source_type)
    found: ir.Table = rows.order_by([rows.name, rows.id])
    return found


def of_sources(source_types: tuple[str, ...]) -> ir.Table:
    """The tables of these kinds of source, by name."""
    rows = rows_of(TABLE_REGISTRY)
    found: ir.Table = rows.filter(rows.source_type.isin(source_types)).order_by(["name", "id"])
    return found


def listing(text: str | None = None, *, source_type: str | None = None) -> ir.Table:
    """The whole registry by name; `text` is looked for in id, name and description."""
    rows = rows_of(TABLE_REGISTRY)
    if source_type is not None:
        rows = rows.filter(rows.source_type == source_type)
    if text:
        wanted = text.lower()
        found = [rows[name].lower().contains(wanted) for name in ("id", "name", "description")]
        rows = rows.filter(found[0] | found[1] | found[2].fill_null(False))
    listed: ir.Table = rows.order_by([rows.name.lower(), rows.id])
    return listed


def by_source() -> ir.Table:
    """`source_type, tables`: how many there are of each."""
    rows = rows_of(TABLE_REGISTRY)
    return rows.group_by("source_type").aggregate(tables=rows.count())


def granted() -> ir.Table:
    """Who may read which table: `id, resource_id, group_id, group_name, members`; a grant each, by
    the name of the group."""
    grants, members = _grants(), rows_of(USER_GROUP_MEMBERS)
    names = rows_of(USER_GROUPS).select(group_id="id", group_name="name")
    sizes = members.group_by("group_id").aggregate(size=members.count())
    sizes = sizes.select("size", of="group_id")
    rows = grants.join(names, "group_id")
    rows = rows.left_join(sizes, rows.group_id == sizes.of)
    rows = rows.mutate(members=rows["size"].fill_null(0))
    rows = rows.select("id", "resource_id", "group_id", "group_name", "members")
    found: ir.Table = rows.order_by([rows.group_name.lower(), rows.id])
    return found


def readers() -> ir.Table:
    """`resource_id, people`: how many may sign in and read that table by a grant."""
    users = rows_of(USERS)
    active = users.filter(users.is_active, ~users.is_admin).select(user_id="id")
    members = rows_of(USER_GROUP_MEMBERS).select("group_id", "user_id")
    rows = _grants().join(members, "group_id").join(active, "user_id")
    return rows.group_by("resource_id").aggregate(people=rows.user_id.nunique())


def _grants() -> ir.Table:
    grants = rows_of(RESOURCE_GRANTS)
    return grants.filter(grants.resource_type == "table").select("id", "group_id", "resource_id")
