"""A place whose attempts run in this process; `real` has those of a server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.console.syncing.place import Place, in_this_process


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    in_this_process(monkeypatch)
    found = Place(tmp_path / "data")
    yield found
    found.close()


@pytest.fixture
def real(tmp_path: Path) -> Iterator[Place]:
    found = Place(tmp_path / "data")
    yield found
    found.close()
