"""environment.yml and requirements.lock repeat what pyproject.toml says; they must not drift."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PACKED = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
ENVIRONMENT = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")

# Where conda's name differs. An empty tuple: conda has it not, pip's section brings it.
CONDA_NAMES: dict[str, tuple[str, ...]] = {
    "atheris": (),
    "axe-playwright-python": (),
    "duckdb": ("python-duckdb",),
    "ibis-framework": ("ibis-framework", "ibis-duckdb"),
    "playwright": ("playwright-python",),
    "prometheus-client": ("prometheus_client",),
}
NOT_OURS = {"pip", "python"}
CUSTOMERS_STACK = {
    *("duckdb", "holoviews", "ibis-framework", "jupyterlab", "nbval"),
    *("panel", "papermill", "param", "pytest", "tornado"),
}


def declared() -> list[Requirement]:
    """Every requirement of pyproject.toml, of all extras."""
    extras = PROJECT["optional-dependencies"].values()
    texts = [*PROJECT["dependencies"], *(text for extra in extras for text in extra)]
    return [Requirement(text) for text in texts]


def conda_packages() -> dict[str, SpecifierSet]:
    """Name and range of each conda package. Conda writes `12.*` for what pip writes as `==12.*`."""
    found: dict[str, SpecifierSet] = {}
    for line in ENVIRONMENT["dependencies"]:
        if isinstance(line, str):
            name, _, wanted = line.partition(" ")
            found[name] = SpecifierSet(f"=={wanted}" if wanted[:1].isdigit() else wanted)
    return found


def pins() -> dict[str, list[Requirement]]:
    """Each package of the lock with its pins: several where platforms or Python versions differ."""
    found: dict[str, list[Requirement]] = {}
    for line in LOCK.splitlines():
        if re.match(r"[A-Za-z0-9]", line):
            pin = Requirement(line.rstrip("\\ "))
            found.setdefault(canonicalize_name(pin.name), []).append(pin)
    return found


@pytest.mark.parametrize("wanted", declared(), ids=lambda wanted: wanted.name)
def test_conda_asks_for_the_same_versions(wanted: Requirement) -> None:
    conda = conda_packages()
    for name in CONDA_NAMES.get(wanted.name, (wanted.name,)):
        assert conda.get(name) == wanted.specifier, f"environment.yml: {name}"


def test_conda_asks_for_nothing_else() -> None:
    ours = {name for want in declared() for name in CONDA_NAMES.get(want.name, (want.name,))}
    assert set(conda_packages()) - NOT_OURS == ours


def test_conda_takes_the_same_python_and_installs_the_project_with_every_extra() -> None:
    assert ENVIRONMENT["name"] == PROJECT["name"]
    assert conda_packages()["python"] == SpecifierSet(PROJECT["requires-python"])
    sections = [line for line in ENVIRONMENT["dependencies"] if isinstance(line, dict)]
    extras = ",".join(PROJECT["optional-dependencies"])
    assert sections == [{"pip": [f"-e .[{extras}]"]}]


def test_both_name_the_stack_that_notebooks_build_on() -> None:
    assert {want.name for want in declared()} >= CUSTOMERS_STACK


@pytest.mark.parametrize("wanted", declared(), ids=lambda wanted: wanted.name)
def test_the_lock_pins_every_dependency_within_its_range(wanted: Requirement) -> None:
    locked = pins().get(canonicalize_name(wanted.name), [])
    assert locked, f"requirements.lock: {wanted.name} is missing; run `make lock`"
    for pin in locked:
        (exact,) = pin.specifier
        assert exact.operator == "=="
        assert exact.version in wanted.specifier, "run `make lock`"


def test_the_lock_has_a_hash_for_every_package() -> None:
    entries = re.split(r"\n(?=[A-Za-z0-9])", LOCK)
    assert len(entries) > len(declared())
    without = [entry.splitlines()[0] for entry in entries if "--hash=sha256:" not in entry]
    assert without == []


def test_the_lock_names_no_address() -> None:
    assert re.findall(r"\S*://\S*|-{1,2}(?:i|f|(?:extra-)?index\S*|find-links)\b.*", LOCK) == []


@pytest.mark.parametrize("room", ["console", "ingest", "notebooks", "schema"])
def test_what_is_installed_has_every_file(room: str) -> None:
    named = PACKED["package-data"].get(room, ())
    packed = {path for pattern in named for path in (ROOT / room).glob(pattern)}
    files = {path for path in (ROOT / room).rglob("*") if path.is_file()}
    code = {path for path in files if path.suffix == ".py" or "__pycache__" in path.parts}
    assert files - code - packed == set()
