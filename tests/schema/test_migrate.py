from __future__ import annotations

import gzip
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import ibis
import pytest

from schema import migrate
from schema.errors import Conflict
from schema.migrate import Migration
from schema.store import Store
from schema.tables import TABLES
from tests.schema.make_released import FOLDER, ROWS, make
from tests.schema.sample_rows import fill, sample
from tests.server_process import agnes

RELEASED = sorted(FOLDER.glob("*.duckdb.gz"))
PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"


@pytest.fixture
def con(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(tmp_path / "a.duckdb")) as con:
        yield con


def tables_of(con: duckdb.DuckDBPyConnection) -> set[str]:
    return {name for (name,) in con.execute("SELECT table_name FROM duckdb_tables()").fetchall()}


def rows_of(store: Store, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = store.read(ibis.table(TABLES[name].schema, name=name)).to_pylist()
    return found


def later(sql: str) -> list[Migration]:
    """The migrations of a release after this one."""
    every = migrate.known()
    return [*every, Migration(every[-1].version + 1, "later", sql)]


def make_old(path: Path) -> None:
    """A file from before the first migration, with something in it."""
    with duckdb.connect(str(path)) as con:
        con.execute("CREATE TABLE kept AS SELECT 42 AS answer")


def test_migrations_are_numbered_one_by_one() -> None:
    versions = [migration.version for migration in migrate.known()]
    assert versions == list(range(1, len(versions) + 1))


def test_all_migrations_wait_on_an_empty_file_and_none_after(
    con: duckdb.DuckDBPyConnection,
) -> None:
    assert migrate.pending(con) == migrate.known()
    assert migrate.apply(con) == migrate.known()
    assert migrate.pending(con) == []


def test_applying_twice_does_nothing_the_second_time(con: duckdb.DuckDBPyConnection) -> None:
    migrate.apply(con)
    book = con.execute("SELECT * FROM schema_migrations").fetchall()
    assert migrate.apply(con) == []
    assert con.execute("SELECT * FROM schema_migrations").fetchall() == book
    assert [(row[0], row[1]) for row in book] == [
        (migration.version, migration.name) for migration in migrate.known()
    ]


def test_it_says_which_migration_it_applies(con: duckdb.DuckDBPyConnection) -> None:
    said: list[str] = []
    migrate.apply(con, say=said.append)
    assert [text.split()[:3] for text in said] == [
        ["migration", f"{migration.version:04d}", migration.name] for migration in migrate.known()
    ]


def test_a_failing_migration_leaves_nothing_of_itself(
    con: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = later("CREATE TABLE half (x INTEGER); DELETE FROM users; SELECT no_such_function()")
    migrate.apply(con)
    row = sample(TABLES["user_groups"], 0)
    con.execute("INSERT INTO user_groups VALUES (?, ?, ?, ?, ?)", [*row.values()])
    before = tables_of(con)
    monkeypatch.setattr(migrate, "known", lambda: every)
    with pytest.raises(duckdb.Error, match="no_such_function"):
        migrate.apply(con)
    assert tables_of(con) == before
    assert con.execute("SELECT count(*) FROM user_groups").fetchall() == [(1,)]
    assert migrate.pending(con) == every[-1:]


def test_a_first_migration_that_fails_leaves_no_book_either(
    con: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        migrate, "known", lambda: [Migration(1, "bad", "SELECT no_such_function()")]
    )
    with pytest.raises(duckdb.Error, match="no_such_function"):
        migrate.apply(con)
    assert tables_of(con) == set()


def test_a_newer_file_is_refused_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "a.duckdb"
    Store(path, threads=1).close()
    newest = migrate.known()[-1].version
    with duckdb.connect(str(path)) as con:
        con.execute("INSERT INTO schema_migrations VALUES (999, 'future', now()::TIMESTAMP, 1)")
    content = path.read_bytes()
    with pytest.raises(Conflict, match=f"migration 999, this release knows .*{newest}") as got:
        Store(path, threads=1)
    assert "Start the newer release, or restore the backup" in got.value.detail
    assert path.read_bytes() == content


def test_an_older_file_is_copied_aside_before_it_is_changed(tmp_path: Path) -> None:
    path = tmp_path / "a.duckdb"
    make_old(path)
    said: list[str] = []
    Store(path, threads=1, say=said.append).close()
    copy = tmp_path / "a.duckdb.before-0001"
    assert said[0] == f"backup copy: {copy}"
    with duckdb.connect(str(copy), read_only=True) as con:
        assert tables_of(con) == {"kept"}
        assert con.execute("SELECT answer FROM kept").fetchall() == [(42,)]
    with duckdb.connect(str(path), read_only=True) as con:
        assert tables_of(con) == {"kept", *TABLES}


def test_what_stands_in_the_log_only_is_in_the_copy_too(tmp_path: Path) -> None:
    path = tmp_path / "a.duckdb"
    crashed = tmp_path / "crashed.duckdb"
    with duckdb.connect(str(path)) as con:
        con.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        for suffix in ("", ".wal"):  # as after a crash: the log was not folded into the file
            Path(f"{crashed}{suffix}").write_bytes(Path(f"{path}{suffix}").read_bytes())
    assert Path(f"{crashed}.wal").stat().st_size > 0
    copy = migrate.back_up(crashed, migrate.known()[0])
    assert Path(f"{copy}.wal").read_bytes() == Path(f"{crashed}.wal").read_bytes()
    Store(crashed, threads=1).close()  # copies it aside once more, without a log this time
    for file in (copy, crashed):
        with duckdb.connect(str(file)) as con:
            assert con.execute("SELECT answer FROM kept").fetchall() == [(42,)]


def test_a_new_file_and_a_current_file_are_not_copied(tmp_path: Path) -> None:
    for _ in range(2):
        Store(tmp_path / "a.duckdb", threads=1).close()
    assert [file.name for file in tmp_path.iterdir()] == ["a.duckdb"]


def test_the_next_migration_at_start_keeps_every_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.duckdb"
    store = Store(path, threads=1)
    written = fill(store, 4)
    store.close()
    every = later("ALTER TABLE users ADD COLUMN phone VARCHAR")
    monkeypatch.setattr(migrate, "known", lambda: every)
    store = Store(path, threads=1)
    try:
        after = rows_of(store, "users")
        assert after == [{**row, "phone": None} for row in written["users"]]
    finally:
        store.close()
    assert (tmp_path / f"a.duckdb.before-{every[-1].version:04d}").exists()


# Released versions


def test_there_is_a_file_of_this_version() -> None:
    version = tomllib.loads(PYPROJECT.read_text())["project"]["version"]
    assert f"{version}.duckdb.gz" in [file.name for file in RELEASED], (
        "run: python -m tests.schema.make_released"
    )


@pytest.mark.parametrize("released", RELEASED, ids=[file.name for file in RELEASED])
def test_a_released_file_walks_to_the_newest_form_without_loss(
    tmp_path: Path, released: Path
) -> None:
    path = tmp_path / "agnes.duckdb"
    path.write_bytes(gzip.decompress(released.read_bytes()))
    with duckdb.connect(str(path), read_only=True) as con:
        before: dict[str, list[dict[str, Any]]] = {
            name: con.execute(f'SELECT * FROM "{name}"').to_arrow_table().to_pylist()
            for name in sorted(tables_of(con) - {"schema_migrations"})
        }
    assert all(len(rows) == ROWS for rows in before.values())
    store = Store(path, threads=1)
    try:
        for name, rows in before.items():
            after = rows_of(store, name)
            assert len(after) == len(rows), name
            for old, new in zip(rows, after, strict=True):
                assert {**new, **old} == new, name
        fill(store, 1)  # and takes new rows
    finally:
        store.close()
    with duckdb.connect(str(path), read_only=True) as con:
        assert migrate.pending(con) == []


def test_a_released_file_is_never_made_anew(tmp_path: Path) -> None:
    first = make(tmp_path, "9.9.9")
    content = first.read_bytes()
    with pytest.raises(FileExistsError, match=r"9\.9\.9"):
        make(tmp_path, "9.9.9")
    assert first.read_bytes() == content


# The command


def test_a_dry_run_says_what_waits_and_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "agnes.duckdb"
    make_old(path)
    content = path.read_bytes()
    done = agnes("migrate", "--dry-run", "--data-dir", tmp_path)
    assert done.returncode == 0, done.stderr
    for migration in migrate.known():
        assert f"would apply: {migration.version:04d} {migration.name}" in done.stdout
    assert path.read_bytes() == content
    assert [file.name for file in tmp_path.iterdir()] == ["agnes.duckdb"]


def test_the_command_brings_a_file_to_the_newest_form_once(tmp_path: Path) -> None:
    path = tmp_path / "agnes.duckdb"
    make_old(path)
    first = agnes("migrate", "--data-dir", tmp_path)
    assert first.returncode == 0, first.stderr
    assert "agnes.duckdb.before-0001" in first.stdout
    with duckdb.connect(str(path), read_only=True) as con:
        assert tables_of(con) == {"kept", *TABLES}
    again = agnes("migrate", "--data-dir", tmp_path)
    assert again.returncode == 0
    assert "is in its newest form" in again.stdout


@pytest.mark.parametrize("words", [["migrate"], ["migrate", "--dry-run"]])
def test_the_command_says_who_holds_the_file(tmp_path: Path, words: list[str]) -> None:
    path = tmp_path / "agnes.duckdb"
    store = Store(path, threads=1)
    try:
        done = agnes(*words, "--data-dir", tmp_path)
    finally:
        store.close()
    assert done.returncode == 1
    said = " ".join(done.stderr.split())
    assert "is held by another process" in said
    assert Path(sys.executable).resolve().name in said
    assert "Stop the running server first" in said


def test_the_command_on_an_empty_folder_makes_nothing(tmp_path: Path) -> None:
    done = agnes("migrate", "--data-dir", tmp_path)
    assert done.returncode == 0
    assert "no database at" in done.stdout
    assert list(tmp_path.iterdir()) == []
