"""No password, token or hash of one stands in any row of the log, any list or any answer."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.audit import new_id
from schema.tables import AUDIT_LOG, PERSONAL_ACCESS_TOKENS, SIGN_IN_LINKS, USERS, WEB_SESSIONS
from tests.console.access_world import World, submit

READS = (
    *("/api/admin/users", "/api/admin/tokens", "/api/admin/groups", "/api/admin/grants"),
    *("/api/me", "/api/me/tokens"),
)
SECRETS = st.text(st.characters(min_codepoint=33, max_codepoint=0x2FF), min_size=20, max_size=40)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(tmp_path_factory.mktemp("secrets")) as world:
        yield world


def spoken(world: World) -> str:
    """Everything that people can read: the log as it is kept, and every list."""
    rows = world.rows(AUDIT_LOG)
    kept = [str(part) for row in rows for part in row.values()]
    return "\n".join([*kept, *(world.admin.get(path).text for path in READS)])


def hashes(world: World) -> set[str]:
    pairs = (
        (USERS, "password_hash"),
        (PERSONAL_ACCESS_TOKENS, "token_hash"),
        (WEB_SESSIONS, "secret_hash"),
        (SIGN_IN_LINKS, "secret_hash"),
    )
    found = {row[column] for table, column in pairs for row in world.rows(table)}
    return {text for text in found if text}


@settings(max_examples=8)
@given(password=SECRETS, wrong=SECRETS)
def test_no_secret_is_ever_repeated(world: World, password: str, wrong: str) -> None:
    world.clock.at += 3600
    email = f"{new_id()}@example.org"  # an example may come twice, its user not
    world.admin.post("/api/admin/users", json={"email": email, "password": password})
    user = next(row["id"] for row in world.rows(USERS) if row["email"] == email)
    path = f"/api/admin/users/{user}"
    answers = [
        world.admin.patch(path, json={"password": wrong, "is_admin": True}),
        world.admin.patch(path, json={"password": password, "is_active": "x"}),
        world.admin.patch(path, json={"password": password}),
        world.admin.patch(path, json={"password": password[:5]}),
        world.admin.patch(path, json={"password": [password]}),
    ]
    with world.client() as terminal, world.browser() as browser:
        signed = [
            terminal.post("/api/login", json={"email": email, "password": password}),
            terminal.post("/api/login", json={"email": email, "password": wrong}),
        ]
        submit(browser, email=email, password=wrong)
        submit(browser, email=email, password=password)
        cookie = browser.cookies.get("agnes_session", "")
        made = world.admin.post("/api/admin/tokens", json={"user_id": user, "name": "x"})
        world.admin.patch(f"/api/admin/tokens/{made.json()['id']}", json={"name": "y"})
        world.admin.delete(f"/api/admin/tokens/{made.json()['id']}")
        answers += [signed[1], browser.get("/login")]
    kept = hashes(world)
    world.admin.delete(path)
    said = spoken(world) + "".join(answer.text for answer in answers)
    # As it stands in JSON too, where some signs are written otherwise.
    secrets = {password, wrong, json.dumps(password)[1:-1], json.dumps(wrong)[1:-1], cookie}
    secrets |= {row.json()["token"] for row in (made, signed[0]) if "token" in row.json()} | kept
    assert [secret for secret in secrets if secret and secret in said] == []


def test_the_search_would_find_a_secret(world: World) -> None:
    world.admin.post("/api/admin/groups", json={"name": "not-a-secret-at-all"})
    assert "not-a-secret-at-all" in spoken(world)
    assert hashes(world)
