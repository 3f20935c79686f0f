"""`console`, `ingest` and `schema` are plain words: other packages could bring them too."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
NAMES = ("console", "ingest", "schema")

ASK = """
import importlib, importlib.metadata, json, sys
names = sys.argv[1:]
owners = importlib.metadata.packages_distributions()
print(json.dumps({
    name: {
        "file": importlib.import_module(name).__file__,
        "owners": sorted(set(owners.get(name, []))),
    }
    for name in names
}))
"""


@pytest.fixture(scope="module")
def found() -> dict[str, dict[str, str | list[str]]]:
    """What a stranger's process sees, started where the checkout is not on the path."""
    command = [sys.executable, "-I", "-c", ASK, *NAMES]
    done = subprocess.run(command, cwd="/", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    answer: dict[str, dict[str, str | list[str]]] = json.loads(done.stdout)
    return answer


@pytest.mark.parametrize("name", NAMES)
def test_the_name_imports_this_project(
    name: str, found: dict[str, dict[str, str | list[str]]]
) -> None:
    assert Path(str(found[name]["file"])) == ROOT / name / "__init__.py"


@pytest.mark.parametrize("name", NAMES)
def test_no_other_installed_distribution_brings_the_name(
    name: str, found: dict[str, dict[str, str | list[str]]]
) -> None:
    assert found[name]["owners"] == ["agnes-console"]
