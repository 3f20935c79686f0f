"""What happens between a right password and the write that signs in."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from console.audit import Caller, now
from console.identity import users, web_sessions
from console.identity.passwords import Passwords
from console.identity.sign_in import SignIn, by_link, make_link
from schema.errors import Forbidden, NotSignedIn
from schema.store import Store
from schema.table import rows_of
from schema.tables import USERS, WEB_SESSIONS
from tests.console.access_world import CHEAP, PASSWORD


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "agnes.duckdb", threads=1)
    yield store
    store.close()


def person(store: Store) -> str:
    for email in ("root@example.org", "ana@example.org"):
        add = users.create(
            Caller(), email=email, is_admin=email[0] == "r", password_hash=CHEAP.hash(PASSWORD)
        )
        row = store.write(add).result()
    id: str = row["id"]
    return id


def start(store: Store, confirm: Any) -> None:
    step = web_sessions.start(Caller(), confirm, method="password", secret="s" * 43, hours=1)
    store.write(step).result()


@pytest.mark.parametrize("change", [{"is_active": False}, {"password_hash": "another"}])
def test_an_account_changed_after_the_check_does_not_sign_in(
    store: Store, change: dict[str, Any]
) -> None:
    id = person(store)
    desk = SignIn(passwords=Passwords(CHEAP))
    confirm = asyncio.run(desk.by_password(store, Caller(), "ana@example.org", PASSWORD))
    store.write(users.update(Caller(), id, change)).result()
    with pytest.raises(NotSignedIn, match="just been changed"):
        start(store, confirm)
    assert store.read(rows_of(WEB_SESSIONS)).to_pylist() == []


def test_a_link_of_an_account_deactivated_elsewhere_does_not_sign_in(store: Store) -> None:
    id = person(store)
    secret = make_link(store, id)
    off = {"is_active": False, "deactivated_at": now()}
    store.write(lambda transaction: transaction.update(USERS, {"id": id}, off)).result()
    with pytest.raises(Forbidden, match="deactivated"):
        start(store, by_link(secret))


def test_a_sweep_comes_now_and_then_not_with_each_sign_in(store: Store) -> None:
    desk = SignIn(passwords=Passwords(CHEAP))
    commits = store.version()
    for _ in range(5):
        desk.sweep(store)
    store.write(lambda transaction: None).result()
    assert store.version() - commits <= 2
    assert store.version() > commits
