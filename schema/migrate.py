"""Bringing a database file to the newest form. Numbered SQL files, each applied once, in one
transaction with the row that records it."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path

import duckdb

from schema.errors import Conflict

_NAME = re.compile(r"(\d{4})_(\w+)\.sql\Z")
_BOOK = (
    "CREATE TABLE IF NOT EXISTS schema_migrations (version BIGINT NOT NULL, name VARCHAR NOT NULL,"
    " applied_at TIMESTAMP NOT NULL, duration_ms BIGINT)"
)


@dataclass(frozen=True)
class Migration:
    version: int
    name: str
    sql: str


def known() -> list[Migration]:
    """Every migration of this release, in order."""
    found = []
    for file in resources.files("schema").joinpath("migrations").iterdir():
        if match := _NAME.match(file.name):
            found.append(Migration(int(match[1]), match[2], file.read_text(encoding="utf-8")))
    return sorted(found, key=lambda migration: migration.version)


def applied(con: duckdb.DuckDBPyConnection) -> set[int]:
    tables = {row[0] for row in con.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
    if "schema_migrations" not in tables:
        return set()
    return {row[0] for row in con.execute("SELECT version FROM schema_migrations").fetchall()}


def pending(con: duckdb.DuckDBPyConnection) -> list[Migration]:
    """What this file still needs. Raises Conflict when the file is newer than this release."""
    done, every = applied(con), known()
    if strange := done - {migration.version for migration in every}:
        raise Conflict(
            f"the database has migration {max(strange)}, this release knows {every[-1].version}",
            detail="Start the newer release, or restore the backup made before the upgrade.",
        )
    return [migration for migration in every if migration.version not in done]


def apply(
    con: duckdb.DuckDBPyConnection, *, say: Callable[[str], None] = lambda text: None
) -> list[Migration]:
    """Apply what is pending; each in its own transaction. Safe to run twice."""
    todo = pending(con)
    for migration in todo:
        say(f"migration {migration.version:04d} {migration.name} …")
        started = time.monotonic()
        con.begin()
        try:
            con.execute(_BOOK)
            con.execute(migration.sql)
            con.execute(
                "INSERT INTO schema_migrations VALUES (?, ?, ?, ?)",
                [
                    migration.version,
                    migration.name,
                    datetime.now(UTC).replace(tzinfo=None),
                    round((time.monotonic() - started) * 1000),
                ],
            )
            con.commit()
        except BaseException:
            con.rollback()
            raise
    return todo


def back_up(path: Path, before: Migration) -> Path:
    """Copy the file (and its log) aside before `before` is applied. The file must not be open."""
    target = path.with_name(f"{path.name}.before-{before.version:04d}")
    for suffix in ("", ".wal"):
        source = Path(f"{path}{suffix}")
        if source.exists():
            shutil.copy2(source, f"{target}{suffix}")
        else:  # a log left by an earlier attempt belongs to another copy
            Path(f"{target}{suffix}").unlink(missing_ok=True)
    return target
