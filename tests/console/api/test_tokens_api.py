"""`/api/admin/tokens` and `/api/me/tokens` over HTTP."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from schema.tables import PERSONAL_ACCESS_TOKENS
from tests.console.access_world import World

SHAPE = {
    *("id", "user_id", "user_email", "name", "kind"),
    *("created_at", "expires_at", "last_used_at", "revoked_at"),
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(tmp_path_factory.mktemp("tokens")) as world:
        yield world


def test_a_token_works_is_shown_once_and_kept_as_a_hash(world: World) -> None:
    user = world.user("worker@example.org")
    body = {"user_id": user, "name": "nightly", "expires_days": 7, "kind": "agent"}
    answer = world.admin.post("/api/admin/tokens", json=body)
    assert answer.status_code == 201
    made = answer.json()
    assert made.keys() == SHAPE | {"token"}
    assert made["token"].startswith("agnes_")
    assert len(made["token"]) == len("agnes_") + 43
    lives = datetime.fromisoformat(made["expires_at"]) - datetime.fromisoformat(made["created_at"])
    assert lives == timedelta(days=7)
    with world.client(made["token"]) as client:
        assert client.get("/api/me").json()["kind"] == "agent"
    shown = world.admin.get(f"/api/admin/tokens/{made['id']}").json()
    assert shown.keys() == SHAPE
    assert shown["user_email"] == "worker@example.org"
    (kept,) = world.rows(PERSONAL_ACCESS_TOKENS, id=made["id"])
    assert kept["token_hash"] == hashlib.sha256(made["token"].encode()).hexdigest()
    logged = world.last("token.create")
    assert logged["resource"] == f"token:{made['id']}"
    assert (logged["params"]["name"], logged["params"]["kind"]) == ("nightly", "agent")


def test_tokens_are_never_alike_and_live_ninety_days_unless_said(world: World) -> None:
    user = world.user()
    body = {"user_id": user, "name": "x"}
    made = [world.admin.post("/api/admin/tokens", json=body).json() for _ in range(5)]
    assert len({row["token"] for row in made}) == 5
    row = made[0]
    assert row["kind"] == "cli"
    lives = datetime.fromisoformat(row["expires_at"]) - datetime.fromisoformat(row["created_at"])
    assert lives == timedelta(days=90)


@pytest.mark.parametrize(
    ("more", "names"),
    [
        ({"expires_days": 0}, "expires_days"),
        ({"expires_days": 3651}, "expires_days"),
        ({"expires_days": 10**30}, "expires_days"),
        ({"expires_days": True}, "expires_days"),
        ({"expires_days": 1.5}, "expires_days"),
        ({"kind": "web"}, "kind"),
        ({"kind": "scheduler"}, "kind"),
        ({"name": ""}, "name"),
        ({"name": "x" * 101}, "name"),
    ],
)
def test_what_cannot_be_a_token_is_refused_and_named(
    world: World, more: dict[str, object], names: str
) -> None:
    body = {"user_id": world.admin_id, "name": "x", **more}
    answer = world.admin.post("/api/admin/tokens", json=body)
    assert answer.status_code == 400
    assert names in answer.text


def test_a_deactivated_user_gets_no_token(world: World) -> None:
    user = world.user(is_active=False)
    body = {"user_id": user, "name": "x"}
    assert world.admin.post("/api/admin/tokens", json=body).status_code == 409
    body = {"user_id": "nobody", "name": "x"}
    assert world.admin.post("/api/admin/tokens", json=body).status_code == 404


def test_a_token_is_renamed_and_revoked_with_the_state_before(world: World) -> None:
    user = world.user()
    body = {"user_id": user, "name": "first"}
    made = world.admin.post("/api/admin/tokens", json=body).json()
    path = f"/api/admin/tokens/{made['id']}"
    assert world.admin.patch(path, json={"name": "second"}).json()["name"] == "second"
    assert world.last("token.update")["params_before"]["name"] == "first"
    with world.client(made["token"]) as client:
        assert client.get("/api/me").status_code == 200
        assert world.admin.delete(path).status_code == 204
        assert client.get("/api/me").status_code == 401
    assert world.admin.get(path).json()["revoked_at"]
    logged = world.last("token.revoke")
    assert logged["params_before"]["revoked_at"] is None
    assert logged["params_before"]["name"] == "second"
    assert world.admin.delete(path).status_code == 204
    assert len(world.log("token.revoke", resource=f"token:{made['id']}")) == 1


def test_an_expired_token_opens_nothing(world: World) -> None:
    user = world.user()
    body = {"user_id": user, "name": "short"}
    made = world.admin.post("/api/admin/tokens", json=body).json()
    past = datetime(2020, 1, 1)
    world.store.write(
        lambda transaction: transaction.update(
            PERSONAL_ACCESS_TOKENS, {"id": made["id"]}, {"expires_at": past}
        )
    ).result()
    with world.client(made["token"]) as client:
        assert client.get("/api/me").status_code == 401


def test_everybody_has_their_own_tokens_and_only_those(world: World) -> None:
    ana, ben = world.user(), world.user()
    with world.client(world.token(ana)) as client, world.client(world.token(ben)) as other:
        made = client.post("/api/me/tokens", json={"name": "laptop", "kind": "agent"})
        assert made.status_code == 201
        id = made.json()["id"]
        assert made.json()["user_id"] == ana
        rows = client.get("/api/me/tokens").json()["rows"]
        assert {row["name"] for row in rows} == {"laptop", "for a test"}
        assert {row["user_id"] for row in rows} == {ana}
        assert [row["name"] for row in other.get("/api/me/tokens").json()["rows"]] == ["for a test"]
        assert other.delete(f"/api/me/tokens/{id}").status_code == 404
        assert other.get("/api/admin/tokens").status_code == 403
        body = {"name": "x", "user_id": ben}
        assert client.post("/api/me/tokens", json=body).status_code == 400
        assert client.delete(f"/api/me/tokens/{id}").status_code == 204
    assert world.last("token.revoke", user_id=ana, result="success")["resource"] == f"token:{id}"


def test_tokens_are_found_by_name_owner_and_e_mail(world: World) -> None:
    user = world.user("finder@example.org")
    for name in ("alpha_1", "alphaX1"):
        world.admin.post("/api/admin/tokens", json={"user_id": user, "name": name})

    def names(query: str) -> list[str]:
        rows = world.admin.get(f"/api/admin/tokens?{query}").json()["rows"]
        return [row["name"] for row in rows]

    assert names("q=ALPHA_") == ["alpha_1"]
    assert names("q=finder@") == ["alphaX1", "alpha_1"]
    assert names(f"user_id={user}") == ["alphaX1", "alpha_1"]
    assert names("user_id=nobody") == []


@pytest.mark.parametrize("kind", ["agent", "external"])
def test_a_machines_token_makes_no_tokens(world: World, kind: str) -> None:
    user = world.user(f"{kind}-owner@example.org")
    with world.client(world.token(user, kind=kind)) as client:
        refused = client.post("/api/me/tokens", json={"name": "more", "kind": "cli"})
        assert refused.status_code == 403
        assert kind in refused.json()["error"]
        assert len(client.get("/api/me/tokens").json()["rows"]) == 1
