"""A store with people, groups and settings, changed by an admin: what tests of rollback share.

`cells` is the oracle: everything that a change can change, flat, read without the code under test.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from console.audit import Caller, new_id, now
from console.changes import rollback
from console.identity.lookup import Outside
from schema.errors import AgnesError
from schema.policy import Principal
from schema.store import Store
from schema.table import Table, rows_of
from schema.tables import (
    AUDIT_LOG,
    INSTANCE_CONFIG,
    INSTANCE_TEMPLATES,
    RESOURCE_GRANTS,
    TABLE_REGISTRY,
    USER_GROUP_MEMBERS,
    USER_GROUPS,
    USERS,
)
from schema.transaction import Rows

# Table -> its key, and the columns that a write itself stamps.
TABLES: dict[Table, tuple[str, ...]] = {
    USER_GROUPS: ("id",),
    USER_GROUP_MEMBERS: ("group_id", "user_id"),
    RESOURCE_GRANTS: ("id",),
    TABLE_REGISTRY: ("id",),
    INSTANCE_CONFIG: ("key",),
    INSTANCE_TEMPLATES: ("name",),
}
STAMPED = ("updated_at", "updated_by")
Cells = dict[tuple[str, ...], Any]


class Place:
    def __init__(self, folder: Path) -> None:
        self.store = Store(folder / "a.duckdb", threads=1)
        self.people = [self.person(f"p{number}@example.org") for number in range(3)]
        self.gone = self.person("gone@example.org", is_active=False)
        self.admin = self.person("root@example.org", is_admin=True)
        principal = Principal(self.admin, is_admin=True, email="root@example.org")
        self.caller = Caller(principal, "cli")

    def person(self, email: str, *, is_admin: bool = False, is_active: bool = True) -> str:
        about = {"id": new_id(), "email": email, "is_admin": is_admin, "is_active": is_active}
        self.store.write(Rows(USERS, [{**about, "created_at": now()}])).result()
        return str(about["id"])

    def do(self, step: Any) -> Any:
        return self.store.write(step).result()

    def rows(self, table: Table) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.store.read(rows_of(table)).to_pylist()
        return found

    def clear(self) -> None:
        """Forget all but the people."""
        for table in (*TABLES, AUDIT_LOG):
            column = next(iter(table.columns))
            values = list({row[column] for row in self.rows(table)})
            self.do(
                lambda t, table=table, column=column, v=values: t.delete_among(table, column, v)
            )

    def newest(self) -> str:
        """The id of the newest row of the log."""
        return max(str(row["id"]) for row in self.rows(AUDIT_LOG))

    def cells(self) -> Cells:
        return {
            (table.name, *(row[name] for name in key), column): value
            for table, key in TABLES.items()
            for row in self.rows(table)
            for column, value in row.items()
            if column not in STAMPED
        }

    def opened(self) -> set[tuple[str, str, str | None]]:
        """Who may open what because of a group."""
        active = {row["id"] for row in self.rows(USERS) if row["is_active"]} - {self.admin}
        groups = {row["id"] for row in self.rows(USER_GROUPS)}
        return {
            (member["user_id"], grant["resource_type"], grant["resource_id"])
            for member in self.rows(USER_GROUP_MEMBERS)
            for grant in self.rows(RESOURCE_GRANTS)
            if member["group_id"] == grant["group_id"] and grant["group_id"] in groups
            if member["user_id"] in active
        }

    def dry_run(self, id: str) -> dict[str, Any]:
        return rollback.dry_run(Outside(self.store), self.caller, id)

    def rollback(self, id: str) -> dict[str, Any]:
        answer: dict[str, Any] = self.do(rollback.rollback(self.caller, id, reason="a test"))
        return answer

    def refusal(self, id: str) -> AgnesError:
        """Why this cannot be rolled back, the same for a dry run; nothing has changed by it."""
        before, rows = self.cells(), len(self.rows(AUDIT_LOG))
        first, second = (error_of(attempt, id) for attempt in (self.dry_run, self.rollback))
        assert first is not None
        assert second is not None, "it was rolled back"
        assert (type(first), first.message) == (type(second), second.message)
        assert (self.cells(), len(self.rows(AUDIT_LOG))) == (before, rows)
        return second


def error_of(attempt: Callable[..., Any], *args: Any) -> AgnesError | None:
    """What the attempt ends with, None where it succeeds."""
    try:
        attempt(*args)
    except AgnesError as error:
        return error
    return None
