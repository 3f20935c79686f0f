"""`agnes pull` and `agnes admin sync` against a real server; `agnes admin scripts` too."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pyarrow.parquet as pq
import pytest

from tests.console.access_world import World
from tests.console.api.test_sync_api import publish
from tests.console.cli.served import signed_in
from tests.console.cli.stand_in import Run
from tests.console.jobs.jobs_place import notebooks


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("files")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, folder: Path) -> Iterator[World]:
    place = tmp_path_factory.mktemp("pull")
    given = {"AGNES_TABLE_FOLDERS": str(folder), "AGNES_SCRIPTS_DIR": str(folder)}
    given["AGNES_NOTEBOOKS"] = notebooks(place / "notebooks", "")
    with World(place / "data", **given) as world:
        yield world
        world.instance.questions.close()


@pytest.fixture(autouse=True)
def _admin(world: World, config: Path) -> Iterator[None]:
    with signed_in(world):
        yield


def told(run: Run, *words: str, code: int = 0) -> Any:
    done = run(*words, "--json")
    assert done.exit_code == code, done.output
    return json.loads(done.stdout)


def test_a_table_is_registered_synced_looked_at_and_pulled(
    run: Run, folder: Path, tmp_path: Path, world: World
) -> None:
    (folder / "shops-1.csv").write_text("id,town\n1,Brno\n2,Praha\n")
    row = told(
        run,
        *("admin", "tables", "register", "shops-*.csv", "--name", "shops"),
        *("--schedule", "every 6h", "--option", 'types={"id": "BIGINT"}'),
    )
    assert (row["source_type"], row["options"]) == ("files", {"types": {"id": "BIGINT"}})
    assert told(run, "pull", "--to", str(tmp_path))["tables"] == []
    done = told(run, "admin", "sync", "--due")
    assert (done["failed"], done["attempts"][0]["rows"]) == (0, 2)
    assert told(run, "admin", "tables", "profile", "shops")["columns"][1]["top"]
    assert told(run, "admin", "tables", "history", "shops")["total"] == 1
    shown = run("admin", "tables", "profile", "shops")
    assert "Brno (1)" in shown.stdout

    (one,) = told(run, "pull", "--to", str(tmp_path))["tables"]
    file = tmp_path / "shops.parquet"
    assert (one["status"], one["file"]) == ("new", str(file))
    assert pq.read_table(file).to_pydict() == {"id": [1, 2], "town": ["Brno", "Praha"]}
    assert told(run, "pull", "--to", str(tmp_path))["tables"][0]["status"] == "unchanged"

    (folder / "shops-2.csv").write_text("id,town\n3,Ostrava\n")
    done = run("admin", "sync", "--all")
    assert done.exit_code == 0, done.output
    assert "shops" in done.stdout
    assert told(run, "pull", "shops", "--to", str(tmp_path))["tables"][0]["status"] == "changed"
    assert [path.name for path in tmp_path.iterdir() if "part" in path.name] == []
    for path in folder.glob("shops-*.csv"):
        path.unlink()
    failed = run("admin", "sync", "shops")
    assert failed.exit_code == 1
    assert "error" in failed.stdout
    assert told(run, "pull", "--to", str(tmp_path))["tables"][0]["rows"] == 3
    assert run("admin", "tables", "delete", "shops").exit_code == 0


def test_what_broke_off_goes_on_and_what_is_damaged_is_refused(
    run: Run, world: World, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "big.csv").write_text("n\n1\n")
    told(run, "admin", "tables", "register", "big.csv", "--source", "files")
    content = publish(world, "big", 200_000)
    half = len(content) // 2
    name = f".big.parquet.{hashlib.sha256(content).hexdigest()[:16]}.part"
    (tmp_path / name).write_bytes(content[:half])
    (tmp_path / ".big.parquet.0123456789abcdef.part").write_bytes(b"of another version")
    ranges: list[str | None] = []
    real = httpx.Client.stream

    def stream(self: httpx.Client, method: str, url: str, **options: Any) -> Any:
        ranges.append((options.get("headers") or {}).get("Range"))
        return real(self, method, url, **options)

    monkeypatch.setattr(httpx.Client, "stream", stream)
    (one,) = told(run, "pull", "--to", str(tmp_path))["tables"]
    assert one["status"] == "resumed"
    assert ranges == [f"bytes={half}-"]
    assert (tmp_path / "big.parquet").read_bytes() == content
    assert [path.name for path in tmp_path.iterdir()] == ["big.parquet"]

    (tmp_path / "big.parquet").unlink()
    (tmp_path / name).write_bytes(b"x" * half)
    (one,) = told(run, "pull", "--to", str(tmp_path), code=1)["tables"]
    assert "not the file of the manifest" in one["error"]
    assert list(tmp_path.iterdir()) == []
    assert told(run, "pull", "--to", str(tmp_path))["tables"][0]["status"] == "new"


def test_what_is_asked_wrongly_is_said(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for words, said, code in (
        (("pull", "nothing", "--to", str(tmp_path)), "no table 'nothing'", 1),
        (("pull", "--to", str(tmp_path / "file")), "cannot be made a folder", 2),
        (("admin", "sync"), "say which tables", 2),
        (("admin", "sync", "x", "--all"), "say which tables", 2),
        (("admin", "sync", "nothing"), "no table", 1),
        (("admin", "tables", "register", "a*.csv"), "give --name", 2),
        (("admin", "tables", "register", "x.csv", "--option", "y"), "NAME=VALUE", 2),
        (("admin", "scripts", "change", "x"), "nothing to change", 2),
    ):
        done = run(*words)
        assert done.exit_code == code, done.output
        assert said in done.stderr


@pytest.mark.parametrize(
    ("location", "connection", "kind"),
    [
        ("a.csv", None, "local"),
        ("folder/", None, "files"),
        ("2026-*.csv", None, "files"),
        ("https://example.org/a.csv?x=*", None, "url"),
        (None, "shop", "sql"),
    ],
)
def test_a_source_is_told_by_how_it_looks(
    location: str | None, connection: str | None, kind: str
) -> None:
    from console.cli.admin_tables import _looks_like

    assert _looks_like(location, connection) == kind


def test_scripts_are_registered_changed_and_removed(run: Run, folder: Path, world: World) -> None:
    (folder / "nightly.py").write_text("print('hello')\n")
    given = ("admin", "scripts", "create", "nightly", "nightly.py", "--schedule", "15 3 * * *")
    row = told(run, *given, "--owner", "root@example.org")
    assert (row["owner"], row["enabled"]) == (world.admin_id, True)
    row = told(run, "admin", "scripts", "change", "nightly", "--disabled", "--memory", "512")
    assert (row["enabled"], row["memory_mb"], row["next_due"]) == (False, 512, None)
    listed = run("admin", "scripts")
    assert "nightly.py" in listed.stdout
    done = run("admin", "scripts", "run-due", "--wait", "0")
    assert (done.exit_code, done.stdout) == (0, "nothing is due\n")
    assert run("admin", "scripts", "remove", "nightly").exit_code == 0
    assert told(run, "admin", "scripts")["total"] == 0
