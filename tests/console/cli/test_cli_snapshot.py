"""`agnes snapshot` against a whole server: taken, listed, shown, taken again, removed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from console.audit import new_id
from console.cli.snapshot_folder import Snapshots
from schema.tables import USAGE_EVENTS
from schema.transaction import Rows
from tests.console.access_world import World
from tests.console.cli.served import As, signed_in
from tests.console.cli.stand_in import Run, Server

START = datetime(2026, 3, 2, 9)
CREATE = ("create", "mine", "--table", "agnes_telemetry")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(tmp_path_factory.mktemp("snapshots")) as world:
        yield world


@pytest.fixture(scope="module")
def ana(world: World) -> str:
    """Has 10 calls of 30."""
    user = world.user("ana@example.org")
    world.store.write(Rows(USAGE_EVENTS, [_event(world, user, n) for n in range(30)])).result()
    return user


def _event(world: World, user: str, number: int) -> dict[str, Any]:
    return {
        "id": new_id(),
        "session_file": f"{number}.jsonl",
        "user_id": world.admin_id if number % 3 else user,
        "username": "somebody",
        "event_type": "tool_use",
        "tool_name": ("Bash", "Read")[number % 2],
        "is_error": False,
        "occurred_at": START + timedelta(hours=number),
    }


@pytest.fixture
def become(world: World, ana: str, config: Path, tmp_path: Path) -> Iterator[As]:
    with signed_in(world) as become, pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(tmp_path))
        become(ana)
        yield become


def done(run: Run, *words: str) -> str:
    found = run("snapshot", *words)
    assert found.exit_code == 0, found.stderr
    return str(found.stdout)


def refused(run: Run, *words: str) -> str:
    found = run("snapshot", *words)
    assert found.exit_code in (1, 2), found.stdout
    return str(found.stderr)


def test_a_snapshot_lives_from_create_to_delete(
    run: Run, become: As, world: World, ana: str, tmp_path: Path
) -> None:
    folder = tmp_path / "agnes-snapshots"
    assert "no snapshots in" in done(run)
    part = (*CREATE, "--where", "tool_name = 'Bash'", "--columns", "tool_name, occurred_at")
    assert done(run, *part, "--estimate").startswith("5 rows, ")
    assert not folder.exists()
    assert done(run, *part) == f"5 rows, {_size(folder)} bytes: {folder / 'mine.parquet'}\n"
    found = pq.read_table(folder / "mine.parquet")
    assert found.schema.names == ["tool_name", "occurred_at"]
    assert set(found["tool_name"].to_pylist()) == {"Bash"}
    (row,) = json.loads(done(run, "list", "--json"))["snapshots"]
    assert (row["rows"], row["status"], row["server"]) == (5, "ok", world.address)
    assert row["columns"] == ["tool_name", "occurred_at"]
    lines = done(run, "list").splitlines()
    assert lines[1].split()[:3] == ["mine", "agnes_telemetry", "5"]

    world.store.write(Rows(USAGE_EVENTS, [_event(world, ana, 60)])).result()
    assert json.loads(done(run, "refresh", "mine", "--json"))["rows"] == 6
    assert pq.read_table(folder / "mine.parquet").num_rows == 6
    assert json.loads(done(run, "show", "mine", "--json"))["status"] == "ok"
    assert "SHA" not in done(run, "show", "mine")
    assert "removed mine" in done(run, "delete", "mine")
    assert list(folder.iterdir()) == []


def _size(folder: Path) -> str:
    return f"{(folder / 'mine.parquet').stat().st_size:,}"


def test_more_rows_than_wanted_is_said(run: Run, become: As, tmp_path: Path) -> None:
    found = run("snapshot", *CREATE, "--limit", "3", "--dir", str(tmp_path / "here"))
    assert found.stdout.startswith("3 rows, ")
    assert "there are more rows" in found.stderr
    row = Snapshots(tmp_path / "here").read("mine")
    assert (row["truncated"], row["limit"]) == (True, 3)


def test_a_part_that_nobody_wanted_is_not_kept(
    run: Run, become: As, world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(world.settings, "query_arrow_rows", 4)
    assert "more rows than the 4" in refused(run, *CREATE)
    assert list((tmp_path / "agnes-snapshots").iterdir()) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("create", "x", "--table", "nosuch"), "no table 'nosuch'"),
        (("create", "x", "--table", "agnes_audit", "--where", "id) OR (1"), "where="),
        (("create", "x", "--table", "agnes_audit", "--columns", "idd"), "unknown column"),
        (("create", "../x", "--table", "agnes_audit"), "no name of a snapshot"),
        (("create", "x", "--table", "agnes_audit", "--columns", "id,,action"), "a name is missing"),
        (("show", "x"), "no snapshot x"),
        (("refresh", "x"), "no snapshot x"),
        (("delete", "x"), "no snapshot x"),
        (("delete", "../../x"), "no name of a snapshot"),
        (("create", "x"), "--table"),
    ],
)
def test_what_cannot_be_is_named(
    run: Run, become: As, words: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    assert said in refused(run, *words)
    assert not list(tmp_path.rglob("*.parquet"))


def test_what_is_there_is_not_overwritten_nor_taken_from_elsewhere(
    run: Run, become: As, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    done(run, *CREATE)
    before = (tmp_path / "agnes-snapshots" / "mine.parquet").read_bytes()
    assert "snapshot mine already" in refused(run, *CREATE)
    monkeypatch.setenv("AGNES_SERVER", "http://127.0.0.1:1")
    assert "AGNES_SERVER=http://127.0.0.1:" in refused(run, "refresh", "mine")
    assert (tmp_path / "agnes-snapshots" / "mine.parquet").read_bytes() == before


def test_a_refresh_that_fails_leaves_the_old_one(
    run: Run, become: As, world: World, tmp_path: Path
) -> None:
    done(run, *CREATE)
    file = tmp_path / "agnes-snapshots" / "mine.parquet"
    before = file.read_bytes()
    there = Snapshots(file.parent)
    there.write({**there.read("mine"), "where": "nothing = 1"})
    assert "nothing" in refused(run, "refresh", "mine")
    assert file.read_bytes() == before
    assert sorted(path.name for path in file.parent.iterdir()) == ["mine.json", "mine.parquet"]


def test_a_file_that_is_not_the_one_of_its_manifest_is_known(
    run: Run, become: As, tmp_path: Path
) -> None:
    done(run, *CREATE)
    folder = tmp_path / "agnes-snapshots"
    content = (folder / "mine.parquet").read_bytes()
    (folder / "mine.parquet").write_bytes(content[:-1] + b"x")
    assert json.loads(done(run, "show", "mine", "--json"))["status"] == "changed"
    (folder / "mine.parquet").unlink()
    (folder / "other.json").write_text('{"of": "somebody else"}')
    (row,) = json.loads(done(run, "list", "--json"))["snapshots"]
    assert (row["name"], row["status"]) == ("mine", "no file")
    (folder / "mine.json").write_text("{")
    (folder / "mine.parquet").write_bytes(content)
    assert "cannot read" in refused(run, "show", "mine")
    assert "cannot read" in done(run, "list")


def test_the_list_asks_no_server(run: Run, server: Server, tmp_path: Path) -> None:
    assert "no snapshots in" in done(run, "list", "--dir", str(tmp_path))
    assert server.requests == []
