from __future__ import annotations

import asyncio
import threading
import unicodedata
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from hypothesis import given, settings
from hypothesis import strategies as st

from console.identity.passwords import LEAST, MOST, Passwords
from schema.errors import BadParameter
from schema.store import Store

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
PASSWORDS = Passwords(CHEAP)


@settings(max_examples=30)
@given(
    st.text(min_size=LEAST, max_size=40).filter(
        lambda text: len(unicodedata.normalize("NFKC", text)) >= LEAST
    )
)
def test_every_text_long_enough_is_a_password_and_only_itself(password: str) -> None:
    try:
        kept = PASSWORDS.hash(password)
    except BadParameter:
        with pytest.raises(UnicodeEncodeError):
            password.encode()
        return
    assert PASSWORDS.check(kept, password).right
    assert not PASSWORDS.check(kept, password + "x").right
    assert password not in kept


@pytest.mark.parametrize("password", ["", "x" * (LEAST - 1), "x" * (MOST + 1), "x" * 20 + "\ud800"])
def test_what_is_refused_is_not_repeated(password: str) -> None:
    with pytest.raises(BadParameter) as refused:
        PASSWORDS.hash(password)
    assert "xxx" not in refused.value.message
    assert "password" in refused.value.message


def test_the_same_signs_from_another_keyboard_are_the_same_password() -> None:
    kept = PASSWORDS.hash("Příliš žluťoučký")
    assert PASSWORDS.check(kept, unicodedata.normalize("NFD", "Příliš žluťoučký")).right


def test_nobody_has_no_password() -> None:
    assert not PASSWORDS.check(None, "x" * 20).right


def test_a_hash_that_cannot_be_read_lets_nobody_in() -> None:
    assert not PASSWORDS.check("not a hash", "x" * 20).right


def test_a_hash_with_older_parameters_is_renewed() -> None:
    old = PasswordHasher(time_cost=1, memory_cost=16, parallelism=1).hash("x" * 20)
    verdict = PASSWORDS.check(old, "x" * 20)
    assert verdict.right
    assert verdict.renewed is not None
    assert PASSWORDS.check(verdict.renewed, "x" * 20).renewed is None
    assert PASSWORDS.check(old, "y" * 20).renewed is None


class Watched(PasswordHasher):
    """Notes on which threads, and how many at once, it works."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.threads: set[str] = set()
        self.working = self.most = 0
        self.lock = threading.Lock()

    def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
        with self.lock:
            self.threads.add(threading.current_thread().name)
            self.working += 1
            self.most = max(self.most, self.working)
        try:
            threading.Event().wait(0.01)
            return super().hash(password, salt=salt)
        finally:
            with self.lock:
                self.working -= 1


def test_hashing_leaves_the_event_loop_and_the_readers_free(tmp_path: Path) -> None:
    store = Store(tmp_path / "agnes.duckdb", threads=1)
    hasher = Watched()

    async def many() -> None:
        passwords = Passwords(hasher, at_once=2)
        await asyncio.gather(*(passwords.hashed(store, "x" * 20) for _ in range(8)))

    asyncio.run(many())
    store.close()
    assert threading.current_thread().name not in hasher.threads
    assert hasher.most == 2
