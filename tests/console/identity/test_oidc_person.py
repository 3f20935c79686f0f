"""Whose account the provider's claims belong to, and which groups follow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from console.audit import Caller
from console.identity import groups, users
from console.identity.oidc.errors import Deactivated, Refused
from console.identity.oidc.person import confirm, person
from console.settings import Settings
from schema.store import Store
from schema.table import rows_of
from schema.tables import AUDIT_LOG, USER_GROUP_MEMBERS, USERS

ISSUER = "https://id.example"
CLAIMS: dict[str, Any] = {
    "iss": ISSUER,
    "sub": "7",
    "email": "ana@example.org",
    "email_verified": True,
    "name": "Ana",
}


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    store = Store(tmp_path_factory.mktemp("person") / "agnes.duckdb", threads=1)
    yield store
    store.close()


@pytest.fixture
def store(opened: Store) -> Store:
    """With Ana, Root, two groups that follow claims and one that does not."""

    def empty(transaction: Any) -> None:
        for table in (USERS, USER_GROUP_MEMBERS, AUDIT_LOG):
            for row in transaction.read(rows_of(table)):
                transaction.delete(table, {name: row[name] for name in table.key})
        for group in transaction.read(groups.listing()):
            groups.delete(Caller(), group["id"])(transaction)

    opened.write(empty).result()
    for email in ("root@example.org", "Ana@Example.org"):
        opened.write(users.create(Caller(), email=email, is_admin=email[0] == "r")).result()
    for name, claim in (("Data", "/data"), ("Ops", "/ops"), ("By hand", None)):
        opened.write(groups.create(Caller(), name=name, claim=claim)).result()
    return opened


def settings(**more: str) -> Settings:
    return Settings({}, **more)


def come(store: Store, given: Settings | None = None, **claims: Any) -> dict[str, Any]:
    """Somebody comes back with these claims; the account."""
    given = given or settings()
    whole = {name: value for name, value in {**CLAIMS, **claims}.items() if value is not None}
    step = confirm(Caller(), person(whole, given), create=given.oidc_create_users)
    row: dict[str, Any] = store.write(step).result()
    return row


def refusal(store: Store, given: Settings | None = None, **claims: Any) -> str:
    with pytest.raises(Refused) as told:
        come(store, given, **claims)
    return told.value.reason


def log(store: Store, action: str) -> list[dict[str, Any]]:
    rows = store.read(rows_of(AUDIT_LOG)).to_pylist()
    found = [row for row in rows if row["action"] == action]
    return sorted(found, key=lambda row: str(row["id"]))


def inside(store: Store, user: str) -> set[str]:
    names = {row["id"]: row["name"] for row in store.read(groups.listing()).to_pylist()}
    rows = store.read(rows_of(USER_GROUP_MEMBERS)).to_pylist()
    return {names[row["group_id"]] for row in rows if row["user_id"] == user}


def test_a_verified_e_mail_finds_the_account_whatever_its_case(store: Store) -> None:
    assert come(store, email="ANA@example.ORG")["email"] == "Ana@Example.org"


def test_then_the_subject_counts_and_the_e_mail_may_change(store: Store) -> None:
    first = come(store)
    again = come(store, email="ana.married@example.org")
    assert (again["id"], again["email"]) == (first["id"], "Ana@Example.org")
    assert len(log(store, "user.update")) == 1


def test_another_subject_with_the_same_e_mail_is_nobodys_heir(store: Store) -> None:
    ana = come(store)
    assert refusal(store, sub="8") == "other_subject"
    store.write(users.update(Caller(), ana["id"], {"oidc_subject": None})).result()
    (row,) = [one for one in log(store, "user.update") if "source" not in one["params"]]
    assert orjson.loads(row["params_before"])["oidc_subject"] == f"{ISSUER} 7"
    assert come(store, sub="8")["id"] == ana["id"]


def test_a_new_provider_takes_over_by_e_mail(store: Store) -> None:
    ana = come(store)
    moved = come(store, iss="https://new.example", sub="another")
    assert (moved["id"], moved["oidc_subject"]) == (ana["id"], "https://new.example another")


def test_a_deactivated_account_stays_out_linked_or_not(store: Store) -> None:
    ana = come(store)
    store.write(users.deactivate(Caller(), ana["id"])).result()
    with pytest.raises(Deactivated):
        come(store)
    with pytest.raises(Deactivated):
        come(store, iss="https://new.example")


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"email_verified": False}, "unverified"),
        ({"email_verified": None}, "unverified"),
        ({"email_verified": "yes"}, "unverified"),
        ({"email_verified": 1}, "unverified"),
        ({"email": None}, "no_email"),
        ({"email": "no e-mail"}, "no_email"),
        ({"email": ["ana@example.org"]}, "no_email"),
        ({"email": "bob@example.org"}, "unknown"),
    ],
)
def test_who_is_not_let_in(store: Store, claims: dict[str, Any], reason: str) -> None:
    assert refusal(store, **claims) == reason
    assert log(store, "user.update") == []


def test_a_provider_that_never_says_verified_can_be_believed(store: Store) -> None:
    given = settings(AGNES_OIDC_EMAILS_VERIFIED="1")
    assert refusal(store, given, email_verified=False) == "unverified"
    assert come(store, given, email_verified=None)["email"] == "Ana@Example.org"


def test_only_allowed_domains_come_in(store: Store) -> None:
    given = settings(AGNES_OIDC_ALLOWED_DOMAINS="Example.ORG, @other.org")
    assert come(store, given)["email"] == "Ana@Example.org"
    assert refusal(store, given, email="ana@example.org.evil.com") == "domain"
    assert refusal(store, given, email="ana@sub.example.org") == "domain"


def test_an_account_is_made_where_that_is_wanted(store: Store) -> None:
    given = settings(AGNES_OIDC_CREATE_USERS="1")
    made = come(store, given, sub="9", email="new@example.org", name="N\new")
    assert (made["email"], made["name"], made["is_admin"]) == ("new@example.org", None, False)
    assert come(store, given, sub="9", email="new@example.org")["id"] == made["id"]
    assert orjson.loads(log(store, "user.create")[-1]["params"])["email"] == "new@example.org"


def test_groups_with_a_claim_follow_and_others_stay(store: Store) -> None:
    ana = come(store, groups=["/data", "/nobody knows"])["id"]
    by_hand = next(
        row["id"] for row in store.read(groups.listing()).to_pylist() if row["name"] == "By hand"
    )
    store.write(groups.add_member(Caller(), by_hand, ana)).result()
    assert inside(store, ana) == {"Data", "By hand"}
    come(store, groups=["/ops"])
    assert inside(store, ana) == {"Ops", "By hand"}
    rows = [*log(store, "user_group_members.add"), *log(store, "user_group_members.remove")]
    told = [orjson.loads(row["params"]) for row in rows]
    ours = [
        (one["group_name"], row["user_id"])
        for one, row in zip(told, rows, strict=True)
        if "source" in one
    ]
    assert ours == [("Data", ana), ("Ops", ana), ("Data", ana)]
    come(store, groups=["/ops"])
    assert len(log(store, "user_group_members.add")) == 3, "what stays writes no row"


@pytest.mark.parametrize(
    ("claims", "left"),
    [
        ({"groups": []}, set()),
        ({}, set()),
        ({"groups": "/ops"}, {"Ops"}),
        ({"groups": [{"name": "/ops"}, 7]}, set()),
        ({"_claim_names": {"groups": "src1"}}, {"Data"}),
    ],
    ids=["empty", "missing", "one text", "no texts", "too many to tell"],
)
def test_what_the_claim_may_be(store: Store, claims: dict[str, Any], left: set[str]) -> None:
    ana = come(store, groups=["/data"])["id"]
    come(store, **claims)
    assert inside(store, ana) == left


def test_a_claim_may_lie_deeper_or_be_named_by_an_address(store: Store) -> None:
    deeper = settings(AGNES_OIDC_GROUPS_CLAIM="realm_access.roles")
    ana = come(store, deeper, realm_access={"roles": ["/data"]})["id"]
    assert inside(store, ana) == {"Data"}
    named = settings(AGNES_OIDC_GROUPS_CLAIM="https://x.example/groups")
    come(store, named, **{"https://x.example/groups": ["/ops"]})
    assert inside(store, ana) == {"Ops"}


def test_a_refusal_changes_nothing(store: Store) -> None:
    ana = come(store, groups=["/data"])["id"]
    refusal(store, sub="8", groups=[])
    assert inside(store, ana) == {"Data"}
