"""A PostgreSQL for the tests of sources, once a run; without one, those that need it are left out,
and the header of the run says so."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import postgres_server

collect_ignore_glob = [] if postgres_server.is_there() else ["test_postgres*.py"]


@pytest.fixture(scope="session")
def postgres() -> Iterator[str | None]:
    """The address of a superuser; None where there is no PostgreSQL."""
    if not postgres_server.is_there():
        yield None
        return
    with postgres_server.server() as address:
        yield address
