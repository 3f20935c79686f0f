"""Who came back from the provider: the account that these claims belong to, or why none does.

The e-mail is always one that the provider has verified. It finds the account the first time; from
then on the provider's own name for the person (issuer and subject) does, so a changed e-mail stays
the same person, and a new owner of an old e-mail is nobody's heir.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from console.audit import Caller, entry
from console.identity import typed, users
from console.identity.lookup import Row, one, where
from console.identity.oidc.errors import Deactivated, Refused
from console.identity.oidc.groups import follow, told
from console.settings import Settings
from schema.errors import BadParameter
from schema.policy import Principal
from schema.table import rows_of
from schema.tables import USERS
from schema.transaction import Transaction

_ASK = "Ask an admin."


@dataclass(frozen=True)
class Person:
    """`subject`: issuer and subject, as `users.oidc_subject` holds them. `groups`: None where the
    provider does not say."""

    issuer: str
    subject: str
    email: str
    name: str | None
    groups: frozenset[str] | None


def person(claims: Mapping[str, Any], settings: Settings) -> Person:
    """Raises Refused unless there is a verified e-mail of an allowed domain."""
    email = _email(claims, settings)
    name = claims.get("name")
    return Person(
        issuer=str(claims["iss"]),
        subject=f"{claims['iss']} {claims['sub']}",
        email=email,
        name=_name(name) if isinstance(name, str) else None,
        groups=told(claims, settings.oidc_groups_claim),
    )


def confirm(
    caller: Caller, came: Person, *, create: bool, source: str = "oidc"
) -> Callable[[Transaction], Row]:
    """A step: the account of `came`, linked, its groups as the provider has them. Raises Refused;
    then nothing is changed."""

    def step(transaction: Transaction) -> Row:
        user = _known(transaction, came) or _new(transaction, caller, came, create=create)
        if not user["is_active"]:
            raise Deactivated(user)
        who = Principal(user["id"], is_admin=user["is_admin"], kind="web")
        named = replace(caller.as_(who), client_kind="web")
        if user["oidc_subject"] != came.subject:
            _link(transaction, named, user, came)
        if came.groups is not None:
            follow(transaction, named, user["id"], came.groups, source=source)
        return one(transaction, USERS, "user", user["id"])

    return step


def _known(transaction: Transaction, came: Person) -> Row | None:
    linked = transaction.read(where(USERS, oidc_subject=came.subject))
    if linked:
        return linked[0]
    everybody = rows_of(USERS).select("id", "email")
    same = typed.same(came.email)
    ids = [row["id"] for row in transaction.read(everybody) if typed.same(row["email"]) == same]
    if not ids:
        return None
    user = one(transaction, USERS, "user", ids[0])
    if (user["oidc_subject"] or "").startswith(f"{came.issuer} "):
        raise Refused(
            "this e-mail belongs to an account of somebody else at the sign-in provider",
            reason="other_subject",
            detail="Ask an admin to unlink that account.",
            user=user,
        )
    return user


def _new(transaction: Transaction, caller: Caller, came: Person, *, create: bool) -> Row:
    if not create:
        raise Refused(
            "the sign-in provider knows you, but there is no account here",
            reason="unknown",
            detail="Ask an admin to add one for your e-mail.",
        )
    row = users.create(caller, email=came.email, name=came.name)(transaction)
    return one(transaction, USERS, "user", row["id"])


def _link(transaction: Transaction, named: Caller, user: Row, came: Person) -> None:
    transaction.update(USERS, {"id": user["id"]}, {"oidc_subject": came.subject})
    params = {
        "id": user["id"],
        "email": user["email"],
        "oidc_subject": came.subject,
        "changed": ["oidc_subject"],
        "source": "oidc",
    }
    before = {"id": user["id"], "oidc_subject": user["oidc_subject"]}
    resource = f"user:{user['id']}"
    transaction.insert(entry(named, "user.update", resource=resource, params=params, before=before))


def _email(claims: Mapping[str, Any], settings: Settings) -> str:
    given = claims.get("email")
    try:
        email = typed.email(given) if isinstance(given, str) else None
    except BadParameter:
        email = None
    if email is None:
        raise Refused("the sign-in provider tells no e-mail", reason="no_email", detail=_ASK)
    verified = claims.get("email_verified", settings.oidc_emails_verified)
    if verified is not True and verified != "true":
        raise Refused(
            "the sign-in provider has not verified this e-mail",
            reason="unverified",
            detail="Verify it there, then sign in again.",
        )
    allowed = {domain.casefold().lstrip("@") for domain in settings.oidc_allowed_domains}
    if allowed and email.rpartition("@")[2].casefold() not in allowed:
        raise Refused("e-mails of this domain may not sign in here", reason="domain", detail=_ASK)
    return email


def _name(text: str) -> str | None:
    try:
        return typed.label_or_none("name", text, users.NAME_LIMIT)
    except BadParameter:
        return None
