"""The kinds of objects that can be brought back: how each is read as it is now, and written again.

A *state* is an object as JSON keeps it: its row, of a group also `members` and `grants`. None means
that there is no such object.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from console.audit import now
from console.changes.edits import Edit
from console.identity import grants, groups
from console.identity.lookup import Reads, Row, where
from console.live import parsed
from console.settings import SETTINGS
from console.syncing import definition
from schema.errors import BadParameter, BadRequest, Conflict, NotFound, shorten
from schema.table import Table, rows_of
from schema.tables import (
    INSTANCE_CONFIG,
    INSTANCE_TEMPLATES,
    RESOURCE_GRANTS,
    TABLE_REGISTRY,
    TABLE_VERSIONS,
    USER_GROUP_MEMBERS,
    USER_GROUPS,
    USERS,
)

Key = Mapping[str, str]
State = dict[str, Any]
Guard = Callable[[Reads, Row], None]  # raises what forbids that this row is written


@dataclass(frozen=True)
class Kind:
    """One kind of object. `columns` are what counts: compared, shown and restored."""

    noun: str
    table: Table
    key: tuple[str, ...]
    columns: tuple[str, ...]
    guard: Guard = lambda reads, row: None

    def now(self, reads: Reads, key: Key) -> State | None:
        """The object as it is."""
        rows = reads.read(where(self.table, **key))
        return normal(rows[0]) if rows else None

    def edits(
        self, reads: Reads, key: Key, wanted: State | None, there: State | None, by: str | None
    ) -> tuple[Edit, ...]:
        """What makes the object `wanted`: gone, as it was, or, where it is `there`, changed in what
        `wanted` names. `by` is who does it. Raises Conflict, BadRequest for what cannot be."""
        if wanted is None:
            return (Edit(self.table, key),)
        row = typed_row(self.table, {**(there or {}), **wanted, **key})
        if "updated_at" in row:
            row["updated_at"] = now()
        if "updated_by" in row:
            row["updated_by"] = by
        self.guard(reads, row)
        return (Edit(self.table, key, (row,)),)


class Setting(Kind):
    """A value under a name. One that is not set has no row: both are the same state."""

    def now(self, reads: Reads, key: Key) -> State | None:
        return super().now(reads, key) or {**key, self.columns[0]: None}

    def edits(
        self, reads: Reads, key: Key, wanted: State | None, there: State | None, by: str | None
    ) -> tuple[Edit, ...]:
        unset = wanted is not None and wanted[self.columns[0]] is None
        return super().edits(reads, key, None if unset else wanted, there, by)


class Whole(Kind):
    """An object with rows of other tables that go and come back with it."""

    def parts(self, key: Key) -> Mapping[str, tuple[Table, Key]]:
        """By name: a table, and what its rows of this object have in common."""
        raise NotImplementedError

    def now(self, reads: Reads, key: Key) -> State | None:
        whole = super().now(reads, key)
        if whole is None:
            return None
        for name, (table, common) in self.parts(key).items():
            whole[name] = in_order(name, reads.read(where(table, **common)))
        return whole

    def edits(
        self, reads: Reads, key: Key, wanted: State | None, there: State | None, by: str | None
    ) -> tuple[Edit, ...]:
        whole = super().edits(reads, key, wanted, there, by)
        if wanted is not None and there is not None:
            return whole
        parts = (
            Edit(table, common, _rows(table, (wanted or {}).get(name), common))
            for name, (table, common) in self.parts(key).items()
            if wanted is None or wanted.get(name)
        )
        return (*parts, *whole)


class Group(Whole):
    """A group with who is in it and what it may open."""

    def parts(self, key: Key) -> Mapping[str, tuple[Table, Key]]:
        common = {"group_id": key["id"]}
        return {"members": (USER_GROUP_MEMBERS, common), "grants": (RESOURCE_GRANTS, common)}

    def edits(
        self, reads: Reads, key: Key, wanted: State | None, there: State | None, by: str | None
    ) -> tuple[Edit, ...]:
        edits = super().edits(reads, key, wanted, there, by)
        for grant in (row for edit in edits if edit.table is RESOURCE_GRANTS for row in edit.rows):
            _on_a_table(reads, grant)
        return edits


class Registered(Whole):
    """A table with the groups it is granted to: another one of its name must not have them."""

    def parts(self, key: Key) -> Mapping[str, tuple[Table, Key]]:
        granted = {"resource_type": "table", "resource_id": key["id"]}
        return {"granted": (RESOURCE_GRANTS, granted)}

    def edits(
        self, reads: Reads, key: Key, wanted: State | None, there: State | None, by: str | None
    ) -> tuple[Edit, ...]:
        for grant in (wanted or {}).get("granted") or ():
            _in_group(reads, grant["group_id"])
        edits = super().edits(reads, key, wanted, there, by)
        return (
            edits if wanted is None or there is not None else (*edits, _synced(reads, key, wanted))
        )


def _synced(reads: Reads, key: Key, wanted: State) -> Edit:
    """A table that comes back has what was synced of the same source, and nothing of another table
    that had its id meanwhile."""
    source = definition.of({**wanted, **key}).source
    same = {"table_id": key["id"], "source": source}
    return Edit(
        TABLE_VERSIONS, {"table_id": key["id"]}, tuple(reads.read(where(TABLE_VERSIONS, **same)))
    )


# What of a state is rows of other tables -> what they all have in common, so that it is not kept.
PARTS = {
    "members": ("group_id",),
    "grants": ("group_id",),
    "granted": ("resource_type", "resource_id"),
}


def _rows(table: Table, parts: Any, common: Key) -> tuple[Row, ...]:
    return tuple(typed_row(table, {**part, **common}) for part in parts or ())


def in_order(name: str, parts: Iterable[State]) -> list[State]:
    """The part `name` of a state, without what its rows have in common, in an order that tells two
    such lists apart."""
    kept = (
        {column: value for column, value in part.items() if column not in PARTS[name]}
        for part in normal(list(parts))
    )
    return sorted(kept, key=lambda part: str(part.get("id", part.get("user_id"))))


def normal(value: Any) -> Any:
    """`value` as it looks once it has stood in the log."""
    return orjson.loads(orjson.dumps(value))


def typed_row(table: Table, state: State) -> Row:
    """A row of `table` out of a state of the log. Raises BadRequest for one that lacks what no row
    can lack."""
    row = {name: _typed(kind, state.get(name)) for name, kind in table.columns.items()}
    for name, kind in table.columns.items():
        if kind.startswith("!") and row[name] is None:
            raise BadRequest(f"the log does not keep the {name} that {table.name} needs")
    return row


def _typed(kind: str, value: Any) -> Any:
    if not kind.endswith("timestamp(6)"):
        return text(value)
    try:
        return datetime.fromisoformat(value).replace(tzinfo=None)
    except (TypeError, ValueError):
        return now() if kind.startswith("!") else None


def text(value: Any) -> str | None:
    """A value of the log as its column holds it: a text; JSON for what is none."""
    return value if value is None or isinstance(value, str) else orjson.dumps(value).decode()


# Who guards what


def _group(reads: Reads, row: Row) -> None:
    groups.refuse_taken(reads, row["id"], row["name"])


def _in_group(reads: Reads, group_id: str) -> Row:
    found = reads.read(where(USER_GROUPS, id=group_id))
    if not found:
        raise Conflict(
            f"the group {shorten(group_id)} is no more",
            detail="Roll back its deletion first, or do without.",
        )
    return found[0]


def _on_a_table(reads: Reads, grant: Row) -> None:
    """Raises Conflict for a grant of a table that was removed: another one of its id must not be
    open to those who were granted that one."""
    try:
        grants.refuse_unknown(reads, grant["resource_type"], grant["resource_id"])
    except NotFound:
        raise Conflict(
            f"the table {shorten(grant['resource_id'])} is no more",
            detail="Roll back its removal first, or do without.",
        ) from None


def _grant(reads: Reads, row: Row) -> None:
    grants.grantable(row["resource_type"], row["resource_id"])
    _on_a_table(reads, row)
    group = _in_group(reads, row["group_id"])
    grants.refuse_twice(reads, group, row["resource_type"], row["resource_id"])


def _member(reads: Reads, row: Row) -> None:
    _in_group(reads, row["group_id"])
    if not reads.read(where(USERS, id=row["user_id"])):
        raise Conflict(f"there is no user {shorten(row['user_id'])}")


def registered_once(reads: Reads, row: Row) -> None:
    """Raises Conflict when another registered table has this name, in whatever case."""
    for other in reads.read(rows_of(TABLE_REGISTRY).select("id", "name")):
        if other["id"] != row["id"] and other["name"].casefold() == row["name"].casefold():
            raise Conflict(
                f"a table with the name {other['name']} is registered already",
                detail="Use another name.",
            )


def _readable(reads: Reads, row: Row) -> None:
    """Raises Conflict for a value that the setting does not take, or not any more."""
    known = next((one for one in SETTINGS if one.name == row["key"]), None)
    if known is None or row["value"] is None:
        return
    try:
        parsed(known, row["value"])
    except BadParameter as error:
        raise Conflict(error.message, detail="Set another value by hand.") from None


_STAMPED = ("id", "created_at", "updated_at")
GROUP = Group(
    "group", USER_GROUPS, ("id",), ("name", "description", "claim", "members", "grants"), _group
)
MEMBER = Kind("membership", USER_GROUP_MEMBERS, ("group_id", "user_id"), ("user_id",), _member)
GRANT = Kind(
    "grant", RESOURCE_GRANTS, ("id",), ("group_id", "resource_type", "resource_id"), _grant
)
REGISTERED = Registered(
    "table",
    TABLE_REGISTRY,
    ("id",),
    (*(name for name in TABLE_REGISTRY.columns if name not in _STAMPED), "granted"),
    registered_once,
)
CONFIG = Setting("setting", INSTANCE_CONFIG, ("key",), ("value",), _readable)
TEMPLATE = Setting("template", INSTANCE_TEMPLATES, ("name",), ("body",))
