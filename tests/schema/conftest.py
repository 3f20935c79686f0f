from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from schema.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "a.duckdb", threads=1)
    yield store
    store.close()
