from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from console.audit import now
from console.identity import first_admin, users
from console.identity.first_admin import EMAIL, create_first_admin, first_link
from console.identity.gate import digest
from console.identity.passwords import Passwords
from schema.errors import BadParameter, Conflict
from schema.store import Store
from schema.table import Table, rows_of
from schema.tables import AUDIT_LOG, PERSONAL_ACCESS_TOKENS, SIGN_IN_LINKS, USERS
from tests.console.access_world import CHEAP, PASSWORD

PASSWORDS = Passwords(CHEAP)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "agnes.duckdb", threads=1)
    yield store
    store.close()


def rows(store: Store, table: Table) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = store.read(rows_of(table)).to_pylist()
    return found


def test_init_makes_an_admin_with_password_and_token(store: Store) -> None:
    made = create_first_admin(store, "Root@example.org", PASSWORD, passwords=PASSWORDS)
    (user,) = rows(store, USERS)
    (token,) = rows(store, PERSONAL_ACCESS_TOKENS)
    assert (user["id"], user["email"], user["is_admin"]) == (made.user_id, "Root@example.org", True)
    assert PASSWORDS.check(user["password_hash"], PASSWORD).right
    assert token["token_hash"] == digest(made.token)
    logged = rows(store, AUDIT_LOG)
    assert sorted(row["action"] for row in logged) == ["token.create", "user.create"]
    assert {row["user_id"] for row in logged} == {None}


def test_init_refuses_where_there_is_an_admin_and_leaves_nothing_behind(store: Store) -> None:
    create_first_admin(store, "root@example.org")
    with pytest.raises(Conflict, match=r"root@example\.org") as refused:
        create_first_admin(store, "other@example.org", PASSWORD, passwords=PASSWORDS)
    assert "agnes admin users create" in refused.value.detail
    assert len(rows(store, USERS)) == len(rows(store, PERSONAL_ACCESS_TOKENS)) == 1


def test_init_refuses_a_short_password_before_it_writes(store: Store) -> None:
    with pytest.raises(BadParameter, match="12 characters"):
        create_first_admin(store, "root@example.org", "short", passwords=PASSWORDS)
    assert rows(store, USERS) == []


def test_a_first_start_makes_an_admin_and_a_link(store: Store) -> None:
    link = first_link(store)
    assert link is not None
    (user,) = rows(store, USERS)
    assert (user["email"], user["is_admin"]) == (EMAIL, True)
    assert link.email == EMAIL
    (kept,) = rows(store, SIGN_IN_LINKS)
    assert kept["secret_hash"] == digest(link.secret)
    assert kept["expires_at"] - kept["created_at"] == timedelta(minutes=15)


def test_a_start_after_a_missed_link_makes_another_for_the_same_admin(store: Store) -> None:
    first, second = first_link(store), first_link(store)
    assert first is not None
    assert second is not None
    assert first.secret != second.secret
    assert len(rows(store, USERS)) == 1


@pytest.mark.parametrize("password", [None, PASSWORD])
def test_there_is_no_link_once_an_admin_can_sign_in(store: Store, password: str | None) -> None:
    create_first_admin(store, "root@example.org", password, passwords=PASSWORDS)
    assert first_link(store) is None


def test_a_token_that_is_over_lets_nobody_in(store: Store) -> None:
    create_first_admin(store, "root@example.org")
    (token,) = rows(store, PERSONAL_ACCESS_TOKENS)
    over = {"expires_at": now() - timedelta(days=1)}
    store.write(
        lambda transaction: transaction.update(PERSONAL_ACCESS_TOKENS, {"id": token["id"]}, over)
    ).result()
    link = first_link(store)
    assert link is not None
    assert link.email == "root@example.org"


def test_people_without_an_admin_are_not_opened_to_whoever_reads_the_terminal(
    store: Store,
) -> None:
    store.write(users.create(first_admin._nobody(), email="ana@example.org")).result()
    assert first_link(store) is None
    assert len(rows(store, USERS)) == 1


def test_a_password_that_is_not_taken_lets_nobody_in(store: Store) -> None:
    create_first_admin(store, "root@example.org", PASSWORD, passwords=PASSWORDS)
    (token,) = rows(store, PERSONAL_ACCESS_TOKENS)
    over = {"revoked_at": now()}
    store.write(
        lambda transaction: transaction.update(PERSONAL_ACCESS_TOKENS, {"id": token["id"]}, over)
    ).result()
    assert first_link(store) is None
    link = first_link(store, passwords=False)
    assert link is not None
    assert link.email == "root@example.org"
