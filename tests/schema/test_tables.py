from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from schema import migrate
from schema.policy import SURFACES
from schema.table import Table
from schema.tables import TABLES

# Ibis type -> the engine's own name of it.
ENGINE_TYPES = {
    "string": "VARCHAR",
    "timestamp(6)": "TIMESTAMP",
    "int64": "BIGINT",
    "float64": "DOUBLE",
    "boolean": "BOOLEAN",
    "date": "DATE",
}
ALL = pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    folder: Path = tmp_path_factory.mktemp("tables")
    with duckdb.connect(str(folder / "a.duckdb")) as con:
        migrate.apply(con)
        yield con


def test_the_migrations_make_exactly_the_declared_tables(
    migrated: duckdb.DuckDBPyConnection,
) -> None:
    made = migrated.execute("SELECT table_name FROM duckdb_tables() WHERE NOT internal").fetchall()
    assert sorted(name for (name,) in made) == sorted(TABLES)


@ALL
def test_the_migrations_make_exactly_the_declared_columns(
    migrated: duckdb.DuckDBPyConnection, table: Table
) -> None:
    made = migrated.execute(
        "SELECT column_name, data_type, is_nullable FROM duckdb_columns()"
        " WHERE table_name = ? ORDER BY column_index",
        [table.name],
    ).fetchall()
    declared = [
        (name, ENGINE_TYPES[kind.lstrip("!")], not kind.startswith("!"))
        for name, kind in table.columns.items()
    ]
    assert made == declared


def test_no_table_has_an_index_that_an_update_could_corrupt(
    migrated: duckdb.DuckDBPyConnection,
) -> None:
    assert migrated.execute("SELECT table_name, index_name FROM duckdb_indexes()").fetchall() == []


@ALL
def test_owner_and_key_are_columns_of_the_table(table: Table) -> None:
    assert table.key
    assert set(table.key) <= set(table.columns)
    assert table.owner is None or table.owner in table.columns
    assert table.surface is None or table.surface in SURFACES
    assert table.meaning.endswith(".")


@ALL
def test_a_table_that_names_a_user_has_an_owner(table: Table) -> None:
    if "user_id" in table.columns:
        assert table.owner == "user_id"


def test_a_table_is_found_under_its_own_name() -> None:
    assert all(name == table.name for name, table in TABLES.items())


def test_no_table_refers_to_a_person_by_name_only() -> None:
    for table in TABLES.values():
        assert "username" not in table.columns or "user_id" in table.columns, table.name
        assert table.owner != "username"
