"""A copy of all tables as of one moment, while others read and write."""

from __future__ import annotations

from pathlib import Path

import duckdb

_COPY = "agnes_copy"  # what the new file is called while it is written; one copy at a time


def copy_to(cursor: duckdb.DuckDBPyConnection, target: Path) -> dict[str, int]:
    """Write a new database file at `target` from one snapshot; rows by table, counted on both
    sides. Raises duckdb.Error, and ValueError where the sides differ; then no file is left."""
    name = str(target).replace("'", "''")
    cursor.execute(f"ATTACH '{name}' AS {_COPY}")
    try:
        (source,) = cursor.execute("SELECT current_database()").fetchall()[0]
        cursor.begin()
        try:
            cursor.execute(f'COPY FROM DATABASE "{source}" TO {_COPY}')
            here, there = _counted(cursor, source), _counted(cursor, _COPY)
            cursor.commit()
        except BaseException:
            cursor.rollback()
            raise
        if here != there:
            raise ValueError(f"the copy has other rows than the database: {there}, not {here}")
        cursor.execute(f"CHECKPOINT {_COPY}")
    except BaseException:
        cursor.execute(f"DETACH {_COPY}")
        for suffix in ("", ".wal"):
            Path(f"{target}{suffix}").unlink(missing_ok=True)
        raise
    cursor.execute(f"DETACH {_COPY}")
    return there


def rows_in(path: Path) -> dict[str, int]:
    """Rows by table of a file that nobody has open."""
    with duckdb.connect(str(path), read_only=True) as con:
        (name,) = con.execute("SELECT current_database()").fetchall()[0]
        return _counted(con, name)


def _counted(con: duckdb.DuckDBPyConnection, database: str) -> dict[str, int]:
    find = "SELECT table_name FROM duckdb_tables() WHERE database_name = ? ORDER BY table_name"
    names = [row[0] for row in con.execute(find, [database]).fetchall()]
    return {
        name: con.execute(f'SELECT count(*) FROM "{database}"."{name}"').fetchall()[0][0]
        for name in names
    }
