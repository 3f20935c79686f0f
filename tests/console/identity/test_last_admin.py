"""Whatever is done to users in whatever order, an active admin is left."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.audit import Caller, now
from console.identity import users
from schema.errors import Conflict
from schema.store import Store
from schema.table import rows_of
from schema.tables import USERS
from schema.transaction import Rows, Transaction

PEOPLE = ("a", "b", "c")
CHANGES: tuple[dict[str, Any], ...] = (
    {"is_active": False},
    {"is_active": True},
    {"is_admin": False},
    {"is_admin": True},
    {"is_admin": False, "is_active": False, "name": "gone"},
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    store = Store(tmp_path_factory.mktemp("last") / "agnes.duckdb", threads=1)
    yield store
    store.close()


def start_again(transaction: Transaction) -> None:
    for id in PEOPLE:
        transaction.delete(USERS, {"id": id})
    rows = [
        {
            "id": id,
            "email": f"{id}@example.org",
            "is_admin": id == "a",
            "is_active": True,
            "created_at": now(),
        }
        for id in PEOPLE
    ]
    transaction.insert(Rows(USERS, rows))


def active_admins(store: Store) -> int:
    rows = rows_of(USERS)
    return len(store.read(rows.filter(rows.is_admin, rows.is_active)).to_pylist())


@settings(max_examples=12)
@given(st.lists(st.tuples(st.sampled_from(PEOPLE), st.sampled_from(CHANGES)), max_size=12))
def test_an_active_admin_is_always_left(
    store: Store, changes: list[tuple[str, dict[str, Any]]]
) -> None:
    store.write(start_again).result()
    # All at once: some share a commit, and some of those fail.
    waiting: list[Future[Any]] = [
        store.write(users.update(Caller(), id, change)) for id, change in changes
    ]
    for done in waiting:
        error = done.exception()
        assert error is None or (isinstance(error, Conflict) and "last active admin" in str(error))
    assert active_admins(store) >= 1
