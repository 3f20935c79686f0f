"""Groups of users as an example of rows: short to write, and what is kept of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import ibis

from schema.store import Store
from schema.table import Table
from schema.tables import USER_GROUPS
from schema.transaction import Rows

AT = datetime(2025, 11, 2, 5, 30, 0, 123456)


def group(name: str, **more: Any) -> dict[str, Any]:
    return {"id": name, "name": name, "created_at": AT, **more}


def groups(*names: str) -> Rows:
    return Rows(USER_GROUPS, [group(name) for name in names])


def table(declared: Table = USER_GROUPS) -> Any:
    return ibis.table(declared.schema, name=declared.name)


def names(store: Store) -> list[str]:
    found: list[str] = store.read(table().order_by("name"))["name"].to_pylist()
    return found
