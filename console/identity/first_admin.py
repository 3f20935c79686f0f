"""The first admin: made by `agnes init`, or by the server that starts and lets nobody in."""

from __future__ import annotations

from dataclasses import dataclass

from console.audit import Caller, now
from console.identity import tokens, users
from console.identity.lookup import Row
from console.identity.passwords import Passwords
from console.identity.sign_in import make_link
from schema.errors import Conflict
from schema.store import Store
from schema.table import rows_of
from schema.tables import PERSONAL_ACCESS_TOKENS, USERS, WEB_SESSIONS
from schema.transaction import Transaction

EMAIL = "admin@localhost"


@dataclass(frozen=True)
class FirstAdmin:
    """`token` is shown once; only its hash is kept."""

    user_id: str
    token: str


@dataclass(frozen=True)
class FirstLink:
    """`secret` goes into `/login?link=<secret>`: 15 minutes, once."""

    email: str
    secret: str


def create_first_admin(
    store: Store, email: str, password: str | None = None, *, passwords: Passwords | None = None
) -> FirstAdmin:
    """An admin with a token, and with a password if one is given. Blocks. Raises BadParameter, and
    Conflict where an active admin exists."""
    hashed = (passwords or Passwords()).hash(password) if password is not None else None
    caller, secret = _nobody(), tokens.new_secret()
    add = users.create(caller, email=email, is_admin=True, password_hash=hashed)

    def step(transaction: Transaction) -> str:
        everybody = rows_of(USERS)
        for admin in transaction.read(everybody.filter(everybody.is_admin, everybody.is_active)):
            raise Conflict(
                f"this instance has an admin already: {admin['email']}",
                detail="Sign in as an admin and add others with `agnes admin users create`; "
                "`agnes serve` prints a sign-in link while nobody can sign in.",
            )
        user_id: str = add(transaction)["id"]
        tokens.create(caller, user_id=user_id, name="agnes init", secret=secret)(transaction)
        return user_id

    return FirstAdmin(store.write(step).result(), secret)


def first_link(store: Store, *, passwords: bool = True) -> FirstLink | None:
    """At the server's start: a link for the first admin while nobody could sign in, so also after
    one that was not used in time; else None. Makes the admin where there are no users at all.
    Blocks."""
    if _somebody_can_sign_in(store, passwords=passwords):
        return None
    admin = _first_admin(store)
    if admin is None:
        if store.read(rows_of(USERS).select("id").limit(1)).num_rows:
            return None  # people, but no admin: a file that was changed by hand is not ours to open
        admin = store.write(users.create(_nobody(), email=EMAIL, is_admin=True)).result()
    return FirstLink(admin["email"], make_link(store, admin["id"]))


def _nobody() -> Caller:
    """No person and no request: the log shows these rows as the system's."""
    return Caller(started=None)


def _first_admin(store: Store) -> Row | None:
    everybody = rows_of(USERS)
    admins = everybody.filter(everybody.is_admin, everybody.is_active)
    rows: list[Row] = store.read(admins.order_by(["created_at", "id"]).limit(1)).to_pylist()
    return rows[0] if rows else None


def _somebody_can_sign_in(store: Store, *, passwords: bool) -> bool:
    """Has an active admin a password that counts, a live token or an open session?"""
    people, made, open_now = (
        rows_of(table) for table in (USERS, PERSONAL_ACCESS_TOKENS, WEB_SESSIONS)
    )
    admins = people.filter(people.is_admin, people.is_active)
    moment = now()
    live = made.filter(made.revoked_at.isnull(), made.expires_at > moment)
    current = open_now.filter(open_now.expires_at > moment)
    ways = (
        *([admins.filter(admins.password_hash.notnull())] if passwords else []),
        admins.semi_join(live, admins.id == live.user_id),
        admins.semi_join(current, admins.id == current.user_id),
    )
    return any(store.read(way.select("id").limit(1)).num_rows for way in ways)
