"""What the tests of processing share: a whole server, and an admin who drives it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.console.processing_console import Console, drain
from tests.whole_server import WholeServer


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    with WholeServer(tmp_path_factory.mktemp("processing") / "data") as server:
        console = Console(server)
        yield console
        console.admin.close()


@pytest.fixture
def console(started: Console) -> Console:
    """With nothing waiting, nobody working, and no setting of an earlier test."""
    drain(started)
    return started
