"""`/api/login`, `/api/logout`, `/api/me`, `/api/check-access` over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from schema.tables import PERSONAL_ACCESS_TOKENS, WEB_SESSIONS
from tests.console.access_world import PASSWORD, World, submit


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(tmp_path_factory.mktemp("login")) as world:
        yield world


@pytest.fixture(autouse=True)
def long_after(world: World) -> None:
    """No test is blocked by the failures of the one before."""
    world.clock.at += 3600


def login(world: World, email: str, password: str, *, address: str = "10.0.0.1") -> httpx.Response:
    with world.client(address=address) as client:
        return client.post("/api/login", json={"email": email, "password": password})


def test_a_terminal_signs_in_with_whatever_case_and_out_again(world: World) -> None:
    user = world.user("Terminal@example.org", password=PASSWORD)
    body = {"email": " TERMINAL@example.org", "password": PASSWORD, "name": "my laptop"}
    with world.client(address="10.1.2.3") as stranger:
        answer = stranger.post("/api/login", json=body)
    assert answer.status_code == 201
    made = answer.json()
    assert made.keys() == {"id", "token", "expires_at", "user"}
    assert made["user"] == {
        "id": user,
        "email": "Terminal@example.org",
        "name": None,
        "is_admin": False,
    }
    logged = world.last("auth.login")
    assert (logged["user_id"], logged["client_kind"], logged["client_ip"]) == (
        user,
        "cli",
        "10.1.2.3",
    )
    assert logged["params"] == {"method": "password", "token_id": made["id"], "name": "my laptop"}
    assert logged["duration_ms"] is not None
    with world.client(made["token"]) as client:
        me = client.get("/api/me").json()
        assert me == {
            "id": user,
            "email": "Terminal@example.org",
            "name": None,
            "is_admin": False,
            "kind": "cli",
            "groups": [],
            "grants": [],
        }
        assert client.post("/api/logout").json() == {"ok": True}
        assert client.get("/api/me").status_code == 401
    logged = world.last("auth.logout")
    assert logged["user_id"] == user
    assert logged["resource"] == f"token:{made['id']}"
    assert logged["params_before"]["revoked_at"] is None
    (kept,) = world.rows(PERSONAL_ACCESS_TOKENS, id=made["id"])
    assert kept["revoked_at"] is not None


def test_a_wrong_password_and_an_unknown_e_mail_get_the_same_answer(world: World) -> None:
    user = world.user("known@example.org", password=PASSWORD)
    world.user("no.password@example.org")
    answers = [
        login(world, "known@example.org", PASSWORD + "x"),
        login(world, "unknown@example.org", PASSWORD),
        login(world, "no.password@example.org", PASSWORD),
        login(world, "not an e-mail", ""),
    ]
    assert {(answer.status_code, answer.text) for answer in answers} == {(401, answers[0].text)}
    rows = world.log("auth.login_failed")[-4:]
    assert {row["result"] for row in rows} == {"invalid_password"}
    assert [row["user_id"] for row in rows[:2]] == [user, None]
    assert rows[1]["params"] == {"email": "unknown@example.org"}
    assert rows[1]["client_ip"] == "10.0.0.1"


def test_a_deactivated_account_is_told_only_to_who_has_the_password(world: World) -> None:
    user = world.user("off@example.org", password=PASSWORD, is_active=False)
    wrong = login(world, "off@example.org", "x" * 20)
    right = login(world, "off@example.org", PASSWORD)
    assert wrong.status_code == 401
    assert "deactivated" not in wrong.text
    assert right.status_code == 403
    assert "deactivated" in right.json()["error"]
    rows = world.log("auth.login_failed", user_id=user)
    assert [row["result"] for row in rows] == ["deactivated", "deactivated"]


def test_the_sixth_try_is_blocked_and_told_when_to_come_back(world: World) -> None:
    user = world.user("target@example.org", password=PASSWORD)
    for _ in range(5):
        assert login(world, "Target@example.org", "x" * 20).status_code == 401
    for _ in range(3):
        answer = login(world, "target@example.org", PASSWORD)
        assert answer.status_code == 429
        assert answer.headers["Retry-After"] == "900"
        assert answer.json().keys() == {"ok", "title", "error", "detail"}
    rows = world.log("auth.login_failed", user_id=user, result="blocked")
    assert len(rows) == 1  # one a minute, or a stranger could fill the log
    world.clock.at += 900
    assert login(world, "target@example.org", PASSWORD).status_code == 201


def test_many_tries_at_once_get_no_further_than_five(world: World) -> None:
    world.user("storm@example.org", password=PASSWORD)
    with ThreadPoolExecutor(16) as pool:
        tries = pool.map(lambda _: login(world, "storm@example.org", "x" * 20), range(32))
        statuses = sorted(answer.status_code for answer in tries)
    assert statuses == [401] * 5 + [429] * 27


def test_an_address_that_tries_many_e_mails_is_blocked_and_others_are_not(world: World) -> None:
    world.user("bystander@example.org", password=PASSWORD)
    for number in range(20):
        login(world, f"guess{number}@example.org", "x" * 20, address="10.6.6.6")
    blocked = login(world, "bystander@example.org", PASSWORD, address="10.6.6.6")
    assert blocked.status_code == 429
    assert login(world, "bystander@example.org", PASSWORD, address="10.0.0.2").status_code == 201


def test_a_long_e_mail_is_cut_in_the_log(world: World) -> None:
    assert login(world, "x" * 5000 + "@example.org", "x" * 20).status_code == 401
    assert len(world.last("auth.login_failed")["params"]["email"]) == 256


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"[]", b"nonsense", b'{"email": "a@b.org"}', b'{"password": "' + b"x" * 20 + b'"}'),
        *(b'{"email": 1, "password": "x"}', b'{"email": "a@b.org", "password": 12345}'),
        *(b'{"email": "a@b.org", "password": "x", "token": "y"}', b'{"email": "\xff"}'),
    ],
)
def test_a_body_that_is_no_sign_in_is_refused(world: World, body: bytes) -> None:
    with world.client() as client:
        answer = client.post("/api/login", content=body)
    assert answer.status_code == 400
    assert "12345" not in answer.text


def test_a_hash_with_older_parameters_is_renewed_by_signing_in(world: World) -> None:
    from argon2 import PasswordHasher

    from schema.tables import USERS

    old = PasswordHasher(time_cost=2, memory_cost=16, parallelism=1).hash(PASSWORD)
    user = world.user("renewed@example.org")
    world.store.write(
        lambda transaction: transaction.update(USERS, {"id": user}, {"password_hash": old})
    ).result()
    for _ in range(2):
        assert login(world, "renewed@example.org", PASSWORD).status_code == 201
    assert world.rows(USERS, id=user)[0]["password_hash"] != old


def test_a_browser_signs_out_by_the_api_with_the_xsrf_token_only(world: World) -> None:
    user = world.user("tab@example.org", password=PASSWORD)
    with world.browser() as browser:
        submit(browser, email="tab@example.org", password=PASSWORD)
        assert browser.get("/api/me").json()["kind"] == "web"
        assert browser.post("/api/logout").status_code == 403
        token = {"X-XSRFToken": browser.cookies["_xsrf"]}
        assert browser.post("/api/logout", headers=token).status_code == 200
        assert browser.get("/api/me").status_code == 401
    assert world.rows(WEB_SESSIONS, user_id=user) == []
    logged = world.last("auth.logout", user_id=user, result="success")
    assert logged["client_kind"] == "web"
    assert logged["params_before"]["expires_at"]


def test_strangers_are_sent_to_sign_in(world: World) -> None:
    with world.client() as client:
        for method, path in (
            ("GET", "/api/me"),
            ("POST", "/api/logout"),
            ("POST", "/api/check-access"),
            ("GET", "/api/me/tokens"),
            ("POST", "/api/me/tokens"),
            ("DELETE", "/api/me/tokens/x"),
        ):
            assert client.request(method, path).status_code == 401


def test_access_is_decided_as_the_gate_does_and_says_by_which_rule(world: World) -> None:
    user = world.user()
    group = world.admin.post("/api/admin/groups", json={"name": "Asking"}).json()["id"]
    world.admin.post(f"/api/admin/groups/{group}/members", json={"user_id": user})
    world.table("orders")
    for body in (
        {"resource_type": "activity"},
        {"resource_type": "table", "resource_id": "orders"},
    ):
        world.admin.post("/api/admin/grants", json={"group_id": group, **body})

    def ask(client: httpx.Client, type: str, id: str | None, **more: str) -> tuple[bool, str]:
        body = {"resource_type": type, "resource_id": id, **more}
        answer = client.post("/api/check-access", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()["allowed"], answer.json()["rule"]

    with world.client(world.token(user)) as client:
        assert ask(client, "activity", None) == (True, "grant: the group Asking has activity")
        assert ask(client, "table", "orders") == (True, "grant: the group Asking has table orders")
        assert ask(client, "table", "secret")[0] is False
        assert world.last("data.access_check")["result"] == "denied"
        assert ask(client, "telemetry", "")[0] is False
        assert ask(client, "table", "agnes_audit")[0] is True
        assert ask(client, "activity", None, user_id=user)[0] is True
        other = {"resource_type": "activity", "user_id": world.admin_id}
        assert client.post("/api/check-access", json=other).status_code == 403
        unknown = {"resource_type": "everything"}
        assert client.post("/api/check-access", json=unknown).status_code == 400
    assert ask(world.admin, "telemetry", None) == (True, "admin: sees everything")
    assert ask(world.admin, "telemetry", None, user_id=user)[0] is False
    logged = world.last("data.access_check")
    assert logged["user_id"] == world.admin_id
    assert logged["resource"] == "telemetry"
    assert logged["params"]["user_id"] == user
    world.admin.delete(f"/api/admin/users/{user}")
    assert ask(world.admin, "activity", None, user_id=user)[1].startswith("deactivated")
    nobody = {"resource_type": "activity", "user_id": "nobody"}
    assert world.admin.post("/api/check-access", json=nobody).status_code == 404
