"""Passwords: what is accepted, how they are kept (argon2id), how one is checked.

Hashing takes 64 MB and some 50 ms of a core by intent, so it never runs on the event loop, and few
run at a time: the readers' pool must stay free for readers.
"""

from __future__ import annotations

import asyncio
import secrets
import unicodedata
from dataclasses import dataclass
from functools import cached_property

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from console.audit import HIDDEN
from schema.errors import BadParameter
from schema.store import Store

LEAST, MOST = 12, 1024  # characters


@dataclass(frozen=True)
class Verdict:
    """`renewed` is a new hash to keep, where the kept one was made with older parameters."""

    right: bool
    renewed: str | None = None


class Passwords:
    """One a server. `hasher` is a test's cheap one; the library's defaults otherwise."""

    def __init__(self, hasher: PasswordHasher | None = None, *, at_once: int = 2) -> None:
        self._hasher = hasher or PasswordHasher()
        self._slots = asyncio.Semaphore(at_once)

    async def hashed(self, store: Store, password: str) -> str:
        """`hash`, off the event loop."""
        accepted(password)  # a bad one is refused before it waits
        async with self._slots:
            return await store.offload(self.hash, password)

    async def verdict(self, store: Store, kept: str | None, password: str) -> Verdict:
        """`check`, off the event loop."""
        async with self._slots:
            return await store.offload(self.check, kept, password)

    def hash(self, password: str) -> str:
        """What is kept of a password. Blocks. Raises BadParameter for one that is not accepted."""
        return self._hasher.hash(accepted(password))

    def check(self, kept: str | None, password: str) -> Verdict:
        """Whether `password` is the one kept as `kept`. Blocks, and as long for `kept` None
        (nobody, or nobody with a password) as for a wrong password, so that the time tells
        nothing."""
        nobody = self._nobody
        try:
            typed = _normal(password[: MOST + 1])
            self._hasher.verify(kept or nobody, typed)
        except (VerificationError, InvalidHashError, UnicodeEncodeError):
            return Verdict(False)
        if kept is None:
            return Verdict(False)
        old = self._hasher.check_needs_rehash(kept)
        return Verdict(True, self._hasher.hash(typed) if old else None)

    @cached_property
    def _nobody(self) -> str:
        return self._hasher.hash(secrets.token_urlsafe(32))


def accepted(password: str) -> str:
    """`password` as it is hashed. Raises BadParameter, which never repeats it."""
    try:
        typed = _normal(password)
        typed.encode()
    except UnicodeEncodeError:
        raise BadParameter("password", HIDDEN, "UTF-8 text") from None
    if len(typed) < LEAST:
        raise BadParameter("password", HIDDEN, f"use {LEAST} characters or more")
    if len(password) > MOST:
        raise BadParameter("password", HIDDEN, f"use at most {MOST} characters")
    return typed


def _normal(password: str) -> str:
    """One form for what different keyboards make of the same signs."""
    return unicodedata.normalize("NFKC", password)
