"""Every audited action that exists is done once over HTTP, and its row is found through the API."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from console.audit import RecentReads, is_secret, new_id, now
from tests.console.access_world import PASSWORD, World
from tests.console.audit_log import ACTIVITY, KPIS, ask, keys_of
from tests.console.test_vocabulary import written_actions


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(tmp_path_factory.mktemp("actions")) as world:
        yield world


@pytest.fixture(autouse=True)
def a_minute_later(world: World) -> None:
    """No test is quiet because of the reads, or blocked because of the failures, of another."""
    world.instance.recent_reads = RecentReads()
    world.clock.at += 3600


Do = Callable[[World], str | None]  # does it; the resource of its row, where that is known


def email() -> str:
    return f"{new_id()}@example.org"


def made_group(world: World) -> str:
    answer = world.admin.post("/api/admin/groups", json={"name": email()})
    return str(ok(answer)["id"])


def made_grant(world: World) -> str:
    body = {"group_id": made_group(world), "resource_type": "activity"}
    return str(ok(world.admin.post("/api/admin/grants", json=body))["id"])


def made_token(world: World) -> str:
    body = {"user_id": world.admin_id, "name": "one"}
    return str(ok(world.admin.post("/api/admin/tokens", json=body))["id"])


def made_user(world: World) -> str:
    return str(ok(world.admin.post("/api/admin/users", json={"email": email()}))["id"])


def ok(answer: httpx.Response) -> Any:
    assert answer.is_success, answer.text
    return answer.json() if answer.content else None


def login(world: World) -> str:
    address = email()
    user = world.user(address, password=PASSWORD)
    with world.client() as client:
        ok(client.post("/api/login", json={"email": address, "password": PASSWORD}))
    return f"user:{user}"


def login_failed(world: World) -> str:
    address = email()
    user = world.user(address, password=PASSWORD)
    with world.client() as client:
        body = {"email": address, "password": "not " + PASSWORD}
        assert client.post("/api/login", json=body).status_code == 401
    return f"user:{user}"


def logout(world: World) -> None:
    with world.client(world.token(world.admin_id)) as client:
        ok(client.post("/api/logout"))


def upload(world: World) -> str:
    file = ("one.jsonl", b'{"type":"user"}\n')
    answer = ok(world.admin.post("/api/upload/sessions", files={"file": file}))
    return f"session:{answer['session_file']}"


def check(world: World) -> str:
    ok(world.admin.post("/api/check-access", json={"resource_type": "activity"}))
    return "activity"


def call(method: str, path: str, make: Callable[[World], str], **more: Any) -> Do:
    """A request about a thing just made; its row names the thing."""

    def do(world: World) -> str:
        id = make(world)
        ok(world.admin.request(method, path.format(id=id), **more))
        return f"{path.split('/')[3].rstrip('s')}:{id}"

    return do


def add_member(world: World) -> str:
    group = made_group(world)
    path = f"/api/admin/groups/{group}/members"
    ok(world.admin.post(path, json={"user_id": world.admin_id}))
    return f"group:{group}"


def remove_member(world: World) -> str:
    resource = add_member(world)
    group = resource.removeprefix("group:")
    ok(world.admin.delete(f"/api/admin/groups/{group}/members/{world.admin_id}"))
    return resource


DO: dict[str, Do] = {
    "auth.login": login,
    "auth.login_failed": login_failed,
    "auth.logout": logout,
    "token.create": lambda world: f"token:{made_token(world)}",
    "token.update": call("PATCH", "/api/admin/tokens/{id}", made_token, json={"name": "two"}),
    "token.revoke": call("DELETE", "/api/admin/tokens/{id}", made_token),
    "user.create": lambda world: f"user:{made_user(world)}",
    "user.update": call("PATCH", "/api/admin/users/{id}", made_user, json={"name": "N"}),
    "user.deactivate": call("DELETE", "/api/admin/users/{id}", made_user),
    "user_groups.create": lambda world: f"group:{made_group(world)}",
    "user_groups.update": call(
        "PATCH", "/api/admin/groups/{id}", made_group, json={"description": "d"}
    ),
    "user_groups.delete": call("DELETE", "/api/admin/groups/{id}", made_group),
    "user_group_members.add": add_member,
    "user_group_members.remove": remove_member,
    "resource_grants.add": lambda world: f"grant:{made_grant(world)}",
    "resource_grants.remove": call("DELETE", "/api/admin/grants/{id}", made_grant),
    "session.upload": upload,
    "data.access_check": check,
    "access.read": lambda world: ok(world.admin.get("/api/admin/users")) and None,
    "activity.read": lambda world: ok(world.admin.get(KPIS)) and None,
}


def test_every_action_in_the_code_is_done_here() -> None:
    assert written_actions().keys() == DO.keys()


@pytest.mark.parametrize("action", DO)
def test_an_action_is_found_in_the_log_as_soon_as_it_is_done(world: World, action: str) -> None:
    correlation = f"test-{action}"
    world.admin.headers["X-Correlation-ID"] = correlation
    try:
        resource = DO[action](world)
    finally:
        del world.admin.headers["X-Correlation-ID"]
    asked = {"action_in": action, "include_self_reads": "true", "limit": "1"}
    if resource is not None:
        asked["resource"] = resource
    (row,) = ask(world.admin, ACTIVITY, asked)["rows"]
    assert row["action"] == action
    assert row["result"] == ("invalid_password" if action == "auth.login_failed" else "success")
    assert isinstance(row["duration_ms"], int)
    assert row["duration_ms"] >= 0
    assert row["client_ip"] == "127.0.0.1"
    assert row["client_kind"] == "cli"
    assert row["user_id"] is not None
    assert abs(now() - datetime.fromisoformat(row["timestamp"]).replace(tzinfo=None)) < timedelta(
        minutes=1
    )
    if action not in ("auth.login", "auth.login_failed", "auth.logout"):
        assert row["correlation_id"] == correlation
    assert PASSWORD not in json.dumps(row)


BEFORE: dict[str, dict[str, Any]] = {
    "user.update": {"name": None, "is_admin": False},
    "user.deactivate": {"is_active": True},
    "token.update": {"name": "one"},
    "token.revoke": {"revoked_at": None, "name": "one"},
    "user_groups.update": {"description": None},
    "user_groups.delete": {"description": None},
    "user_group_members.remove": {},
    "resource_grants.remove": {"resource_type": "activity"},
}


@pytest.mark.parametrize("action", BEFORE)
def test_a_change_keeps_what_was_before(world: World, action: str) -> None:
    DO[action](world)
    before = world.last(action)["params_before"]
    assert before
    for name, value in BEFORE[action].items():
        assert before.get(name, "missing") == value
    assert not {key for key in keys_of(before) if is_secret(key)}
