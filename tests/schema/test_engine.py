from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from schema.engine import Engine, Location
from schema.errors import BadParameter, Unavailable
from schema.store import Store
from tests.server_process import clean_environment

PROJECT = Path(__file__).parents[2]


def test_a_second_opener_hears_who_holds_the_file(store: Store) -> None:
    script = (
        "import sys; from pathlib import Path; from schema.store import Store;"
        " Store(Path(sys.argv[1]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(store.path)],
        env=clean_environment(PYTHONPATH=str(PROJECT)),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith(f"schema.errors.Conflict: {store.path} is held by another process")
    assert str(os.getpid()) in last


def test_a_file_that_is_no_database_is_not_called_held(tmp_path: Path) -> None:
    path = tmp_path / "locked" / "a.duckdb"
    path.parent.mkdir()
    path.write_bytes(b"not a database" * 1_000)
    with pytest.raises(Unavailable, match="cannot open") as caught:
        Store(path)
    assert "agnes doctor" in caught.value.detail


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("duckdb:///agnes.duckdb", "agnes.duckdb"),
        ("duckdb:////var/lib/agnes.duckdb", "/var/lib/agnes.duckdb"),
        ("duckdb:///a%20b/c.duckdb", "a b/c.duckdb"),
    ],
)
def test_an_engine_url_names_a_path(url: str, path: str) -> None:
    assert Location.parse(url).path == Path(path)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "agnes.duckdb",
        "duckdb://",
        "duckdb:///",
        "duckdb://host/agnes.duckdb",
        "duckdb:///agnes.duckdb?threads=4",
        "duckdb:///agnes.duckdb#x",
        "postgres://host/db",
        "/var/lib/agnes.duckdb",
    ],
)
def test_another_engine_url_is_refused_with_what_is_allowed(url: str) -> None:
    with pytest.raises(BadParameter, match="AGNES_ENGINE") as caught:
        Location.parse(url)
    assert "duckdb:///<path>" in caught.value.message


def test_the_engine_loads_no_extension_and_reads_no_python_variable(tmp_path: Path) -> None:
    engine = Engine(tmp_path / "a.duckdb", threads=1)
    try:
        local = pa.table({"x": [1]})
        with pytest.raises(duckdb.CatalogException):
            engine.cursor().execute("SELECT * FROM local")
        assert local.num_rows == 1
        values = engine.cursor().execute(
            "SELECT value FROM duckdb_settings() WHERE name IN"
            " ('autoinstall_known_extensions', 'autoload_known_extensions')"
        )
        assert values.fetchall() == [("false",), ("false",)]
    finally:
        engine.close()
