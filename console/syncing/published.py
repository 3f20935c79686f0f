"""What syncs published: the newest version of each table, as a Parquet file beside the database.

The one place that knows where these files are. It never writes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from console.kept import kept
from console.queries.syncing import versions
from console.tables.table_files import Column
from schema.store import Store


@dataclass(frozen=True)
class Published:
    """One version of a table. `path`: its Parquet file, which stays until two newer ones were
    published; `rows` and `bytes` of the file; `synced_at`: naive UTC."""

    id: str
    table_id: str
    path: Path
    rows: int
    bytes: int
    sha256: str
    synced_at: datetime
    columns: tuple[Column, ...]


def folder(store: Store) -> Path:
    """Where the files of every version are: beside the database, under its name."""
    return store.path.with_name(f"{store.path.stem}.synced")


def published(store: Store) -> Mapping[str, Published]:
    """By table id: the newest version of each table that was ever synced. Blocks."""
    version = store.version("table_versions")
    found: dict[str, Published] | None = kept(store).get(("published",), version)
    if found is None:
        rows = store.rows(versions)
        found = {row["table_id"]: _published(store, row) for row in reversed(rows)}
        kept(store).put(("published",), version, found)
    return found


def _published(store: Store, row: Mapping[str, Any]) -> Published:
    return Published(
        row["id"],
        row["table_id"],
        folder(store) / row["path"],
        row["rows"],
        row["bytes"],
        row["sha256"],
        row["synced_at"],
        tuple(Column(**column) for column in orjson.loads(row["columns"])),
    )
