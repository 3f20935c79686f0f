"""Why these rows: the rule, who asks, and figures that are those of a question."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from console.audit import new_id, now
from console.tables.agnes_tables import agnes_tables
from schema.tables import RESOURCE_GRANTS, USER_GROUP_MEMBERS, USER_GROUPS
from schema.transaction import Rows
from tests.console.access_world import World

ROUTE = "/api/v2/explain"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(tmp_path_factory.mktemp("explain") / "data") as world:
        yield world


def explained(client: httpx.Client, table: str) -> dict[str, Any]:
    answer = client.get(f"{ROUTE}/{table}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def counted(client: httpx.Client, table: str) -> int:
    answer = client.post("/api/query", json={"sql": f"SELECT count(*) FROM {table}"})
    assert answer.status_code == 200, answer.text
    count: int = answer.json()["rows"][0][0]
    return count


@pytest.mark.parametrize("table", agnes_tables())
def test_an_admin_is_told_that_admins_see_all(world: World, table: str) -> None:
    told = explained(world.admin, table)
    assert told["table_id"] == table
    assert told["rule"] == "admins see all rows"
    assert told["principal"]["is_admin"] is True
    assert told["visible"] == told["total"]
    assert told["grants"] == []
    assert "admin" in told["because"]


def test_everybody_else_is_told_of_their_own_rows_and_of_no_total(world: World) -> None:
    """A grant on the page of the log adds nothing to the table, and is not named as if it did."""
    user, group, at = world.user(), new_id(), now()
    for rows in (
        Rows(USER_GROUPS, [{"id": group, "name": "readers", "created_at": at}]),
        Rows(USER_GROUP_MEMBERS, [{"group_id": group, "user_id": user, "added_at": at}]),
        Rows(
            RESOURCE_GRANTS,
            [{"id": new_id(), "group_id": group, "resource_type": "activity", "created_at": at}],
        ),
    ):
        world.store.write(rows).result()
    with world.client(world.token(user)) as client:
        before = counted(client, "agnes_audit")
        told = explained(client, "agnes_audit")  # the question is a row by now
    assert told["visible"] == before + 1
    assert told["total"] is None
    assert told["grants"] == []
    assert told["principal"] == {
        "user_id": user,
        "email": told["principal"]["email"],
        "is_admin": False,
    }
    assert told["because"].startswith(f"You see {told['visible']} row")
    assert "readers" not in told["because"]


def test_whoever_views_as_somebody_is_told_of_them(world: World) -> None:
    user = world.user("looked.at@example.org")
    with world.client(world.token(world.admin_id)) as admin:
        admin.post("/api/view-as", json={"user_id": user}).raise_for_status()
        told = explained(admin, "agnes_sessions")
    assert told["principal"]["user_id"] == user
    assert told["because"].startswith("looked.at@example.org sees 0 rows: those that are theirs.")


def test_it_is_written_as_a_look_at_rights(world: World) -> None:
    explained(world.admin, "agnes_findings")
    row = world.last("data.access_check", resource="table:agnes_findings")
    assert row["user_id"] == world.admin_id
    assert row["params"]["allowed"] is True
    answer = world.admin.get(f"{ROUTE}/agnes_nothing")
    assert answer.status_code == 404
    assert "agnes_audit" in answer.json()["detail"]
    refused = world.last("data.access_check", resource="table:agnes_nothing")
    assert refused["result"] == "error.not_found"
    assert world.admin.get(f"{ROUTE}/agnes_audit", params={"n": "1"}).status_code == 400
