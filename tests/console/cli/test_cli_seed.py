"""`agnes seed` works on the data file alone: it needs no server, and refuses to work beside one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from console.cli.seed import seed
from schema.errors import BadParameter, Conflict

HOLD = """
import sys
from pathlib import Path
from schema.store import Store
store = Store(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def agnes_seed(*words: str) -> Result:
    app = typer.Typer()
    app.command()(seed)
    return CliRunner().invoke(app, list(words))


def answer(folder: Path, *words: str) -> dict[str, Any]:
    done = agnes_seed("--data-dir", str(folder), "--json", *words)
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.output)
    return found


def test_it_says_what_it_made(tmp_path: Path) -> None:
    words = ("--audit-rows", "1000", "--sessions", "4", "--usage-events", "50", "--users", "3")
    made = answer(tmp_path, *words, "--until", "2026-11-22T13:00+01:00")
    assert made["until"] == "2026-11-22T12:00:00Z"
    assert made["data_dir"] == str(tmp_path)
    assert (made["counts"]["audit_log"], made["transcripts"]) == (1000, 4)
    assert len(made["admins"]) == 1
    told = agnes_seed("--data-dir", str(tmp_path), "--audit-rows", "10", "--until", "2026-11-23")
    assert "seeded 10 audit rows, 0 sessions" in told.output
    assert "up to 2026-11-23 00:00Z" in told.output


def test_what_it_makes_nobody_else_can_read(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    answer(folder, "--sessions", "2", "--users", "1")
    modes = {path: path.stat().st_mode & 0o077 for path in [folder, *folder.rglob("*")]}
    assert len(modes) >= 5
    assert set(modes.values()) == {0}


def test_without_a_data_dir_the_setting_decides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGNES_DATA_DIR", str(tmp_path / "elsewhere"))
    done = agnes_seed("--users", "2", "--json")
    assert json.loads(done.output)["data_dir"] == str(tmp_path / "elsewhere")
    assert (tmp_path / "elsewhere" / "agnes.duckdb").exists()


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("--audit-rows", "-5"), "--audit-rows='-5'"),
        (("--users", "99999999"), "--users='99999999'"),
        (("--until", "tomorrow"), "--until='tomorrow'"),
    ],
)
def test_a_refused_number_is_named_and_no_file_is_made(
    words: tuple[str, ...], named: str, tmp_path: Path
) -> None:
    done = agnes_seed("--data-dir", str(tmp_path / "data"), *words)
    assert isinstance(done.exception, BadParameter)
    assert named in done.exception.message
    assert not (tmp_path / "data").exists()


def test_a_file_that_a_server_holds_is_refused_by_name(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path / "agnes.duckdb")]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        done = agnes_seed("--data-dir", str(tmp_path), "--users", "1")
        assert isinstance(done.exception, Conflict)
        assert str(holder.pid) in done.exception.message
        assert "Stop the running server" in done.exception.detail
        assert holder.stdin is not None
        holder.stdin.close()
