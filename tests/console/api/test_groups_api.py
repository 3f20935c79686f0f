"""`/api/admin/groups` and `/api/admin/grants` over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from schema.tables import RESOURCE_GRANTS, USER_GROUP_MEMBERS
from tests.console.access_world import World


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(tmp_path_factory.mktemp("groups")) as world:
        for table in ("orders", "narrow_100%"):
            world.table(table)
        yield world


def group(world: World, name: str, **more: str) -> dict[str, Any]:
    answer = world.admin.post("/api/admin/groups", json={"name": name, **more})
    assert answer.status_code == 201, answer.text
    row: dict[str, Any] = answer.json()
    return row


def grant(world: World, **body: object) -> httpx.Response:
    return world.admin.post("/api/admin/grants", json=body)


def test_a_group_is_made_changed_and_audited(world: World) -> None:
    row = group(world, " Analysts ", description="People with questions")
    assert row.keys() == {"id", "name", "description", "created_at", "claim", "members"}
    assert (row["name"], row["members"]) == ("Analysts", 0)
    assert world.last("user_groups.create")["resource"] == f"group:{row['id']}"
    path = f"/api/admin/groups/{row['id']}"
    changed = world.admin.patch(path, json={"name": "Finance", "description": ""}).json()
    assert (changed["name"], changed["description"]) == ("Finance", None)
    assert world.admin.get(path).json() == changed
    logged = world.last("user_groups.update")
    assert logged["params_before"]["name"] == "Analysts"
    assert logged["params_before"]["description"] == "People with questions"


def test_a_groups_name_is_taken_whatever_its_case(world: World) -> None:
    group(world, "Sales")
    other = group(world, "Not sales")
    again = world.admin.post("/api/admin/groups", json={"name": "SALES"})
    renamed = world.admin.patch(f"/api/admin/groups/{other['id']}", json={"name": "sales"})
    assert (again.status_code, renamed.status_code) == (409, 409)
    assert "Sales" in again.json()["error"]


def test_members_come_and_go(world: World) -> None:
    row, user = group(world, "Members"), world.user("member@example.org")
    path = f"/api/admin/groups/{row['id']}/members"
    added = world.admin.post(path, json={"user_id": user})
    assert added.status_code == 201
    assert added.json().keys() == {"user_id", "email", "name", "added_at"}
    assert world.admin.post(path, json={"user_id": user}).status_code == 409
    assert world.last("user_group_members.add")["result"] == "error.conflict"
    listed = world.admin.get(path).json()
    assert (listed["total"], listed["rows"]) == (1, [added.json()])
    assert world.admin.get(f"/api/admin/groups/{row['id']}").json()["members"] == 1
    assert world.admin.delete(f"{path}/{user}").status_code == 204
    assert world.admin.delete(f"{path}/{user}").status_code == 404
    done = [
        entry for entry in world.log("user_group_members.remove") if entry["result"] == "success"
    ]
    assert done[-1]["params"]["email"] == "member@example.org"
    assert done[-1]["params_before"]["user_id"] == user
    assert done[-1]["params_before"]["added_at"]


def test_who_or_what_does_not_exist_cannot_be_put_together(world: World) -> None:
    row, user = group(world, "Nobody"), world.user()
    for path, body in (
        (f"/api/admin/groups/{row['id']}/members", {"user_id": "nobody"}),
        ("/api/admin/groups/nothing/members", {"user_id": user}),
    ):
        answer = world.admin.post(path, json=body)
        assert answer.status_code == 404
        assert "'no" in answer.json()["error"]
    assert world.admin.get("/api/admin/groups/nothing/members").status_code == 404
    assert grant(world, group_id="nothing", resource_type="activity").status_code == 404
    for noun in ("groups", "grants"):
        assert world.admin.delete(f"/api/admin/{noun}/nothing").status_code == 404
        assert "'nothing'" in world.admin.get(f"/api/admin/{noun}/nothing").json()["error"]


def test_a_deleted_group_takes_its_members_and_grants_along(world: World) -> None:
    row, user = group(world, "Doomed", description="for a while"), world.user()
    path = f"/api/admin/groups/{row['id']}"
    world.admin.post(f"{path}/members", json={"user_id": user})
    grant(world, group_id=row["id"], resource_type="activity")
    with world.client(world.token(user)) as member:
        assert member.get("/api/me").json()["grants"]
        assert world.admin.delete(path).status_code == 204
        assert member.get("/api/me").json()["grants"] == []
    assert world.rows(USER_GROUP_MEMBERS, group_id=row["id"]) == []
    assert world.rows(RESOURCE_GRANTS, group_id=row["id"]) == []
    assert world.admin.get(path).status_code == 404
    before = world.last("user_groups.delete", result="success")["params_before"]
    assert (before["name"], before["description"]) == ("Doomed", "for a while")
    assert [member["user_id"] for member in before["members"]] == [user]
    assert [one["resource_type"] for one in before["grants"]] == ["activity"]
    assert {"id", "resource_id", "created_at", "created_by"} <= before["grants"][0].keys()


def test_a_grant_is_made_listed_and_taken_back(world: World) -> None:
    row = group(world, "Granted")
    made = grant(world, group_id=row["id"], resource_type="table", resource_id="orders")
    assert made.status_code == 201
    shown = made.json()
    assert shown["group_name"] == "Granted"
    assert shown["created_by"] == world.admin_id
    assert world.last("resource_grants.add")["resource"] == f"grant:{shown['id']}"
    path = f"/api/admin/grants/{shown['id']}"
    assert world.admin.get(path).json() == shown
    assert world.admin.delete(path).status_code == 204
    logged = world.last("resource_grants.remove")
    assert logged["params_before"] == {
        name: part for name, part in shown.items() if name != "group_name"
    } | {"created_at": logged["params_before"]["created_at"]}


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ({"resource_type": "activity", "resource_id": "x"}, "resource_id"),
        ({"resource_type": "table"}, "resource_id"),
        ({"resource_type": "table", "resource_id": " "}, "resource_id"),
        ({"resource_type": "admin"}, "resource_type"),
        ({"resource_type": "table", "resource_id": "agnes_audit"}, "agnes_"),
        ({"resource_type": "table", "resource_id": "AGNES_Sessions"}, "agnes_"),
        ({"resource_type": "table", "resource_id": " agnes_findings"}, "agnes_"),
    ],
)
def test_what_cannot_be_granted_is_refused_and_named(
    world: World, body: dict[str, str], names: str
) -> None:
    group_id = world.admin.get("/api/admin/groups").json()["rows"][0]["id"]
    answer = grant(world, group_id=group_id, **body)
    assert answer.status_code == 400
    assert names in answer.json()["error"]


def test_a_table_that_is_none_is_granted_to_nobody(world: World) -> None:
    row = group(world, "Early")
    answer = grant(world, group_id=row["id"], resource_type="table", resource_id="not there yet")
    assert answer.status_code == 404
    assert answer.json()["error"] == "no table 'not there yet'"
    assert world.rows(RESOURCE_GRANTS, group_id=row["id"]) == []
    assert world.last("resource_grants.add")["result"] == "error.not_found"


def test_the_same_grant_twice_is_a_conflict(world: World) -> None:
    row = group(world, "Twice")
    for body in (
        {"resource_type": "sessions"},
        {"resource_type": "table", "resource_id": "orders"},
    ):
        assert grant(world, group_id=row["id"], **body).status_code == 201
        assert grant(world, group_id=row["id"], **body).status_code == 409


def test_a_grant_opens_and_closes_at_once(world: World) -> None:
    row, user = group(world, "Open"), world.user()
    with world.client(world.token(user)) as client:
        assert client.get("/api/me").json()["groups"] == []
        world.admin.post(f"/api/admin/groups/{row['id']}/members", json={"user_id": user})
        assert client.get("/api/me").json()["groups"] == [{"id": row["id"], "name": "Open"}]
        made = grant(world, group_id=row["id"], resource_type="feedback").json()
        shown = client.get("/api/me").json()["grants"]
        assert shown == [{"resource_type": "feedback", "resource_id": None}]
        world.admin.delete(f"/api/admin/grants/{made['id']}")
        assert client.get("/api/me").json()["grants"] == []


def test_grants_are_narrowed_by_group_and_type(world: World) -> None:
    one, other = group(world, "Narrow one"), group(world, "Narrow other")
    for body in (
        {"group_id": one["id"], "resource_type": "activity"},
        {"group_id": one["id"], "resource_type": "table", "resource_id": "narrow_100%"},
        {"group_id": other["id"], "resource_type": "activity"},
    ):
        grant(world, **body)

    def total(query: str) -> int:
        found: int = world.admin.get(f"/api/admin/grants?{query}").json()["total"]
        return found

    assert total(f"group_id={one['id']}") == 2
    assert total(f"group_id={one['id']}&resource_type=activity") == 1
    assert total("q=NARROW_100%25") == 1
    assert total("q=narrow%20ot") == 1
    assert total("q=narrow%25ot") == 0
    assert world.admin.get("/api/admin/grants?resource_type=x").status_code == 400


def test_only_admins_touch_groups_and_grants(world: World) -> None:
    analyst = world.user()
    paths = ["/api/admin/groups", "/api/admin/grants", "/api/admin/groups/x/members"]
    with world.client(world.token(analyst)) as client:
        for path in paths:
            assert client.get(path).status_code == 403
            assert client.post(path, json={}).status_code == 403
        for path in ("/api/admin/groups/x", "/api/admin/grants/x", "/api/admin/groups/x/members/y"):
            assert client.delete(path).status_code == 403
    for action in (
        *("user_groups.create", "user_groups.delete", "resource_grants.add"),
        *("resource_grants.remove", "user_group_members.add", "user_group_members.remove"),
    ):
        assert world.last(action, user_id=analyst)["result"] == "denied"


def test_a_group_follows_a_claim_until_it_is_emptied(world: World) -> None:
    row = group(world, "From the provider", claim=" /data/analysts ")
    assert row["claim"] == "/data/analysts"
    path = f"/api/admin/groups/{row['id']}"
    changed = world.admin.patch(path, json={"claim": "analysts"}).json()
    assert (changed["claim"], changed["name"]) == ("analysts", "From the provider")
    assert world.last("user_groups.update")["params_before"]["claim"] == "/data/analysts"
    assert world.admin.patch(path, json={"claim": ""}).json()["claim"] is None
    assert world.admin.get(path).json()["claim"] is None
    undone = world.last("user_groups.update")["id"]
    answer = world.admin.post(f"/api/admin/activity/{undone}/rollback", json={})
    assert answer.status_code in (200, 201), answer.text
    assert world.admin.get(path).json()["claim"] == "analysts"
    assert world.admin.patch(path, json={"claim": "x" * 251}).status_code == 400
