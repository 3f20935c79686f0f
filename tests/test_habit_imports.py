"""What must start light, starts light: `agnes --help` loads no plotting and no database.

import-linter checks what our modules import; this checks what that drags in. Modules are found on
disk, so a new one is held to the rule from its first day.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
USER_INTERFACE = {"bokeh", "holoviews", "panel", "tornado"}
DATABASE = {"duckdb", "ibis", "pyarrow"}
WITHOUT_USER_INTERFACE = (
    "schema",
    "ingest",
    "console/queries",
    "console/client",
    "console/query_client",
    "console/cli",
)
WITHOUT_DATABASE = ("console/client", "console/query_client", "console/cli")

LOAD = """
import importlib, json, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


def modules(room: str) -> list[str]:
    """Import names of every module of a room: a folder (`ingest`) or one file (`client.py`)."""
    folder = ROOT / room
    files = [*folder.rglob("*.py"), *folder.parent.glob(f"{folder.name}.py")]
    paths = sorted(file.relative_to(ROOT).with_suffix("") for file in files)
    parts = [path.parts[:-1] if path.name == "__init__" else path.parts for path in paths]
    return [".".join(part) for part in parts if part[-1] != "__main__"]


def loaded_by(names: Iterable[str]) -> set[str]:
    """Top-level packages in memory once `names` are imported by a fresh process."""
    command = [sys.executable, "-c", LOAD, *names]
    done = subprocess.run(command, cwd="/", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout))


@pytest.mark.parametrize("room", WITHOUT_USER_INTERFACE)
def test_a_room_without_user_interface_loads_none(room: str) -> None:
    names = modules(room)
    assert names, f"{room}: no module found; has it moved?"
    assert loaded_by(names) & USER_INTERFACE == set()


@pytest.mark.parametrize("room", WITHOUT_DATABASE)
def test_the_command_starts_without_the_database(room: str) -> None:
    names = modules(room)
    assert names, f"{room}: no module found; has it moved?"
    assert loaded_by(names) & DATABASE == set()


def test_a_kernel_loads_neither_the_engine_nor_plotting() -> None:
    """Its memory is for the transcript: the engine alone would take 30 MB of 250."""
    assert loaded_by(["console.work"]) & {*USER_INTERFACE, "duckdb", "pandas"} == set()


def test_the_check_sees_what_a_module_drags_in() -> None:
    assert loaded_by(["panel.config"]) >= {"bokeh", "panel"}
