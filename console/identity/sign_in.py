"""Proving who one is: by password, or by a link that works once. What follows is not done here.

Each proof ends in a `Confirm`: a step that checks once more inside the write that signs in, because
between the check and the write the account may be deactivated, or the link used by somebody else.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import structlog

from console.audit import Caller, RecentReads, entry, new_id, now
from console.identity import tokens, typed, web_sessions
from console.identity.gate import digest
from console.identity.lookup import Row, one, where
from console.identity.passwords import Passwords
from console.identity.rate_limit import Blocked, RateLimit
from console.settings import Settings
from schema.errors import Conflict, Forbidden, NotSignedIn
from schema.policy import Principal
from schema.store import Store
from schema.table import rows_of
from schema.tables import PERSONAL_ACCESS_TOKENS, SIGN_IN_LINKS, USERS
from schema.transaction import Rows, Transaction

log = structlog.get_logger(__name__)

Confirm = Callable[[Transaction], Row]
LINK_LIFE = timedelta(minutes=15)
SWEEP_EVERY = timedelta(hours=1)
WRONG = "the e-mail or the password is wrong"
HELP = "Check both; an admin can set a new password."


def stranger(caller: Caller, kind: str) -> Caller:
    """The caller of a sign-in: nobody yet, at the door `kind` (web, cli)."""
    return replace(caller, principal=None, client_kind=kind)


def with_passwords(settings: Settings) -> None:
    """Raises Forbidden where nobody is to sign in with a password."""
    if not settings.password_sign_in:
        raise Forbidden(
            "signing in with a password is switched off here",
            detail="Use the sign-in provider in a browser; a terminal takes a token "
            "(`agnes login --token-stdin`).",
        )


class SignIn:
    """What sign-in remembers between requests: failures, and how many passwords are being hashed.
    One a server, for its event loop."""

    def __init__(
        self, *, passwords: Passwords | None = None, limit: RateLimit | None = None
    ) -> None:
        self.passwords = passwords or Passwords()
        self.limit = limit or RateLimit()
        self._told = RecentReads()
        self._swept = datetime.min

    async def by_password(self, store: Store, caller: Caller, email: str, password: str) -> Confirm:
        """Raises Blocked, NotSignedIn, or Forbidden for a deactivated account whose password was
        right; each is audited."""
        who, address = typed.same(email), caller.client_ip or ""
        try:
            self.limit.attempt(who, address)
        except Blocked as refused:
            if self._told.first(address, *refused.key):  # a flood of refusals is one row a minute
                user = await store.offload(_with_email, store, who)
                await store.awrite(failed(caller, user, "blocked", {"email": email}))
            raise
        user = await store.offload(_with_email, store, who)
        kept = user["password_hash"] if user else None
        verdict = await self.passwords.verdict(store, kept, password)
        if user is None or not verdict.right or not user["is_active"]:
            gone = user is not None and not user["is_active"]
            result = "deactivated" if gone else "invalid_password"
            await store.awrite(failed(caller, user, result, {"email": email}))
            if verdict.right:
                raise Forbidden(
                    "this account is deactivated", detail="Ask an admin to activate it."
                )
            raise NotSignedIn(WRONG, detail=HELP)
        self.limit.succeeded(who, address)
        return _same_password(user, verdict.renewed)

    async def by_provider(self, store: Store, caller: Caller) -> None:
        """Count a return from the OpenID provider. Raises Blocked, which is audited."""
        address = caller.client_ip or ""
        try:
            self.limit.attempt(None, address)
        except Blocked as refused:
            if self._told.first(address, *refused.key):
                await store.awrite(failed(caller, None, "blocked", {"method": "oidc"}))
            raise

    def sweep(self, store: Store) -> None:
        """Now and then, after a sign-in: forget what is over. Nobody waits for it."""
        moment = now()
        if moment - self._swept < SWEEP_EVERY:
            return
        self._swept = moment
        store.write(web_sessions.sweep(moment)).add_done_callback(_swept)


def make_token(
    caller: Caller, confirm: Confirm, *, secret: str, name: str
) -> Callable[[Transaction], Row]:
    """A terminal signs in: it gets a token instead of a web session. `secret` comes from
    `tokens.new_secret`. The answer is the token's row with its `user`, without the secret."""

    def step(transaction: Transaction) -> Row:
        user = confirm(transaction)
        token = tokens.new_row(user["id"], name, secret)
        transaction.insert(Rows(PERSONAL_ACCESS_TOKENS, [token]))
        made = {"method": "password", "token_id": token["id"], "name": token["name"]}
        transaction.insert(web_sessions.signed_in(caller, user, token["kind"], made))
        return {**token, "user": user}

    return step


def make_link(store: Store, user_id: str) -> str:
    """A secret for `/login?link=<secret>`, valid 15 minutes, once. Blocks. Raises NotFound, and
    Conflict for a deactivated user."""
    secret = secrets.token_urlsafe(32)
    store.write(_kept_link(user_id, secret)).result()
    return secret


def new_link(caller: Caller, user_id: str, secret: str) -> Callable[[Transaction], Row]:
    """An admin makes somebody a link: a step. `secret` is theirs alone, and stands in no log. The
    answer is `{id, user_id, email, expires_at}`. Raises as `make_link`."""
    keep = _kept_link(user_id, secret)

    def step(transaction: Transaction) -> Row:
        link = keep(transaction)
        user = one(transaction, USERS, "user", user_id)
        told = {"id": link["id"], "user_id": user_id, "expires_at": link["expires_at"]}
        row = entry(caller, "user.sign_in_link", resource=f"user:{user_id}", params=told)
        transaction.insert(row)
        return {**told, "email": user["email"]}

    return step


def _kept_link(user_id: str, secret: str) -> Callable[[Transaction], Row]:
    def step(transaction: Transaction) -> Row:
        user = one(transaction, USERS, "user", user_id)
        if not user["is_active"]:
            raise Conflict(f"{user['email']} is deactivated", detail="Activate the account first.")
        moment = now()
        link = {
            "id": new_id(),
            "user_id": user_id,
            "secret_hash": digest(secret),
            "created_at": moment,
            "expires_at": moment + LINK_LIFE,
        }
        transaction.insert(Rows(SIGN_IN_LINKS, [link]))
        return link

    return step


def by_link(secret: str) -> Confirm:
    """Uses the link up. Raises Forbidden that says why a link does not work."""

    def confirm(transaction: Transaction) -> Row:
        found = transaction.read(where(SIGN_IN_LINKS, secret_hash=digest(secret)))
        user = one(transaction, USERS, "user", found[0]["user_id"]) if found else None
        if reason := _why_not(found[0] if found else None, user):
            raise Forbidden(f"this sign-in link {reason}", detail=_INSTEAD)
        transaction.update(SIGN_IN_LINKS, {"id": found[0]["id"]}, {"used_at": now()})
        return one(transaction, USERS, "user", found[0]["user_id"])

    return confirm


async def link_failed(store: Store, caller: Caller, secret: str, error: Forbidden) -> None:
    """The audit row of a link that did not work. A secret that never was a link is worth none: a
    stranger could write as many as they like."""

    def step(transaction: Transaction) -> None:
        found = transaction.read(where(SIGN_IN_LINKS, secret_hash=digest(secret)))
        if found:
            user = one(transaction, USERS, "user", found[0]["user_id"])
            params = {"method": "link", "reason": error.message}
            transaction.insert(failed(caller, user, "denied", params))

    await store.awrite(step)


_INSTEAD = "Sign in with your password, or ask an admin for a new link."


def _why_not(link: Row | None, user: Row | None) -> str | None:
    if link is None or user is None:
        return "is not known here, or too old"
    if link["used_at"] is not None:
        return "was used already; each works once"
    if link["expires_at"] <= now():
        return f"is older than {LINK_LIFE.seconds // 60} minutes"
    return None if user["is_active"] else "belongs to an account that is deactivated"


def _same_password(seen: Row, renewed: str | None) -> Confirm:
    def confirm(transaction: Transaction) -> Row:
        user = one(transaction, USERS, "user", seen["id"])
        if not user["is_active"] or user["password_hash"] != seen["password_hash"]:
            raise NotSignedIn("the account has just been changed", detail="Sign in again.")
        if renewed:
            transaction.update(USERS, {"id": user["id"]}, {"password_hash": renewed})
        return user

    return confirm


def _with_email(store: Store, who: str) -> Row | None:
    """The user with this e-mail (as `typed.same` gives it), deactivated or not. Two reads, found or
    not, so that the time tells nothing."""
    users = rows_of(USERS)
    emails = store.read(users.select("id", "email")).to_pylist()
    ids = [user["id"] for user in emails if typed.same(user["email"]) == who]
    rows = store.read(where(USERS, id=ids[0] if ids else "")).to_pylist()
    return rows[0] if rows else None


def failed(caller: Caller, user: Row | None, result: str, params: dict[str, Any]) -> Rows:
    """The audit row of a sign-in that failed; `user`: whose account it was about."""
    who = Principal(user["id"], is_admin=user["is_admin"]) if user else None
    resource = f"user:{user['id']}" if user else None
    return entry(
        replace(caller, principal=who),
        "auth.login_failed",
        resource=resource,
        params=params,
        result=result,
    )


def _swept(done: Any) -> None:
    if (error := done.exception()) is not None:
        log.warning("old sign-ins not swept", reason=str(error))
