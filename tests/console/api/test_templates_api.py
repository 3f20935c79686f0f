"""`/api/admin/templates` and `/api/templates` over HTTP: writing a prompt, trying it, handing it
out, and bringing an older one back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from console.prompts import PROMPTS, VARIABLES
from schema.tables import AUDIT_LOG, INSTANCE_TEMPLATES
from tests.console.access_world import World

PATH = "/api/admin/templates/agent"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(tmp_path_factory.mktemp("templates")) as world:
        yield world


@pytest.fixture
def world(shared: World) -> World:
    for name in PROMPTS:
        put(shared, 200, body=None, name=name)
    return shared


@pytest.fixture(scope="module")
def ana(shared: World) -> Iterator[httpx.Client]:
    with shared.client(shared.token(shared.user("ana@example.org"))) as client:
        yield client


def put(world: World, status: int = 200, *, name: str = "agent", **body: Any) -> Any:
    answer = world.admin.put(f"/api/admin/templates/{name}", json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


def test_without_a_text_of_its_own_an_instance_has_the_default(
    world: World, ana: httpx.Client
) -> None:
    found = world.admin.get("/api/admin/templates").json()
    assert [row["name"] for row in found["rows"]] == ["agent", "workspace"]
    assert found["variables"].keys() == VARIABLES.keys()
    assert all(row["is_default"] for row in found["rows"])
    for name in PROMPTS:
        answer = ana.get(f"/api/templates/{name}")
        assert answer.status_code == 200, answer.text
        assert "ana@example.org" in answer.json()["text"]
    assert "agnes_audit" in ana.get("/api/templates/agent").json()["text"]
    assert ana.get("/api/templates/init").status_code == 404
    assert ana.get(PATH).status_code == 403


def test_a_text_is_handed_out_at_once_and_made_for_who_asks(
    world: World, ana: httpx.Client
) -> None:
    world.admin.put(
        "/api/admin/config", json={"key": "AGNES_INSTANCE_NAME", "value": "North"}
    ).raise_for_status()
    saved = put(world, body="{{ user_email }} at {{ instance_name }}\r\n{{ is_admin }}")
    assert (saved["is_default"], saved["updated_by"]) == (False, world.admin_id)
    assert saved["updated_at"].endswith("Z")
    assert ana.get("/api/templates/agent").json()["text"] == "ana@example.org at North\nFalse"
    boss = world.admin.get("/api/templates/agent").json()
    assert boss["text"] == "root@example.org at North\nTrue"
    assert boss["version"] == saved["version"] == world.admin.get(PATH).json()["version"]
    back = put(world, body=PROMPTS["agent"].default)
    assert back["is_default"]
    assert world.rows(INSTANCE_TEMPLATES) == []


def test_a_text_is_tried_as_somebody_without_being_saved(world: World, ana: httpx.Client) -> None:
    user = ana.get("/api/me").json()["id"]
    body = {"body": "for {{ user_email }}", "user_id": user}
    tried = world.admin.post(f"{PATH}/preview", json=body)
    assert tried.json()["text"] == "for ana@example.org"
    assert world.admin.get(PATH).json()["is_default"]
    for wrong, status in (
        ({**body, "user_id": "nobody"}, 404),
        ({**body, "body": "{{ x }}"}, 400),
        ({**body, "body": "x" * 65_537}, 413),
    ):
        assert world.admin.post(f"{PATH}/preview", json=wrong).status_code == status
    assert ana.post(f"{PATH}/preview", json=body).status_code == 403


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"body": "one\n{{ two }}"}, 400, "line 2"),
        ({"body": "{% if %}"}, 400, "line 1"),
        ({"body": " \n"}, 400, "body"),
        ({"body": 3}, 400, "body"),
        ({}, 400, "body"),
        ({"body": "x" * 65_537}, 413, "64 KiB"),
        ({"body": "use ghp_" + "a1B2" * 9}, 400, "secret"),
        ({"body": "x", "more": 1}, 400, "more"),
    ],
)
def test_what_is_no_prompt_is_refused(
    world: World, body: dict[str, Any], status: int, said: str
) -> None:
    answer = put(world, status, **body)
    assert said in f"{answer['title']} {answer['error']} {answer['detail']}"
    assert "a1B2a1B2" not in str(world.rows(AUDIT_LOG, action="instance_templates.set"))


def test_the_second_of_two_editors_gets_both_texts(world: World) -> None:
    seen = world.admin.get(PATH)
    version = seen.json()["version"]
    assert seen.headers["ETag"] == f'"{version}"'
    first = put(world, body="first", version=version)
    late = put(world, 409, body="second", version=version)
    assert (late["current"]["body"], late["yours"]) == ("first", "second")
    matched = world.admin.put(
        PATH, json={"body": "third"}, headers={"If-Match": seen.headers["ETag"]}
    )
    assert matched.status_code == 409
    put(world, body="first", version=first["version"])
    any_ = world.admin.put(PATH, json={"body": "first"}, headers={"If-Match": "*"})
    assert any_.status_code == 200
    assert put(world, body="second", version=first["version"])["body"] == "second"


def test_what_is_handed_out_is_unchanged_only_while_its_text_is(
    world: World, ana: httpx.Client
) -> None:
    """One text is another for each person and day, whatever its version."""
    put(world, body="Ask {{ user_email }}")
    path = "/api/templates/agent"
    mine = ana.get(path)
    tag = {"If-None-Match": mine.headers["ETag"]}
    assert ana.get(path, headers=tag).status_code == 304
    assert world.admin.get(path, headers=tag).status_code == 200


def test_an_older_text_comes_back_unless_it_has_moved_on(world: World) -> None:
    old = "old " * 100 + "\nend"
    for body in (old, "new"):
        put(world, body=body)
    change = world.last("instance_templates.set", resource="template:agent")
    path = f"/api/admin/activity/{change['id']}/rollback"
    dry = world.admin.post(path, params={"dry_run": "1"}).json()
    assert dry["fields"][0]["name"] == "body"
    put(world, body="newer")
    moved = world.admin.post(path)
    assert moved.status_code == 409
    states = moved.json()["values"]
    told = [states[side]["body"] for side in ("after", "current")]
    assert (states["before"]["body"][:4], told) == ("old ", ["new", "newer"])
    put(world, body="new")
    assert world.admin.post(path).status_code == 200
    assert world.admin.get(PATH).json()["body"] == old
