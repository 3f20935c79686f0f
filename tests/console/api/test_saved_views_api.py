"""Saved views over HTTP: everybody's own, and nobody else's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schema.tables import USER_OBSERVABILITY_VIEWS
from tests.console.access_world import World

VIEWS = "/api/admin/observability/views"
QUERY = {"result_class": "error", "since_minutes": "1440"}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(tmp_path_factory.mktemp("views")) as world:
        yield world


@pytest.fixture
def me(world: World) -> Iterator[httpx.Client]:
    with world.client(world.token(world.user())) as client:
        yield client


def save(client: httpx.Client, name: str = "errors", **more: Any) -> httpx.Response:
    return client.post(VIEWS, json={"name": name, "query": QUERY, **more})


def mine(client: httpx.Client, **params: str) -> list[dict[str, Any]]:
    answer = client.get(VIEWS, params=params).json()
    assert answer["views"] == answer["rows"]
    assert answer["total"] == len(answer["rows"])
    rows: list[dict[str, Any]] = answer["rows"]
    return rows


def test_a_view_is_saved_replaced_and_deleted(world: World, me: httpx.Client) -> None:
    made = save(me)
    assert made.status_code == 201
    row = made.json()
    assert row.keys() == {"id", "page", "name", "query", "is_default", "created_at"}
    assert (row["page"], row["name"], row["query"]) == ("activity", "errors", QUERY)
    again = save(me, query={"q": "x"})
    assert (again.status_code, again.json()["id"]) == (200, row["id"])
    assert save(me, page="telemetry").json()["id"] != row["id"]
    assert [one["query"] for one in mine(me, page="activity")] == [{"q": "x"}]
    saved = world.last("views.save", resource=f"view:{row['id']}")
    assert saved["params"]["name"] == "errors"
    assert saved["params_before"]["query"] == '{"result_class":"error","since_minutes":"1440"}'
    assert me.delete(f"{VIEWS}/{row['id']}").status_code == 204
    assert me.delete(f"{VIEWS}/{row['id']}").status_code == 404
    deleted = world.last("views.delete", resource=f"view:{row['id']}")
    assert deleted["params_before"]["name"] == "errors"
    assert [one["page"] for one in mine(me)] == ["telemetry"]


def test_a_view_is_renamed_and_changed(world: World, me: httpx.Client) -> None:
    id = save(me).json()["id"]
    save(me, "other")
    changed = me.patch(f"{VIEWS}/{id}", json={"name": " mine ", "query": "q=x&y=%20"})
    assert changed.json()["name"] == "mine"
    assert {one["name"]: one["query"] for one in mine(me)}["mine"] == "q=x&y=%20"
    assert me.patch(f"{VIEWS}/{id}", json={"name": "other"}).status_code == 409
    for body in ({}, {"name": ""}, {"name": "x" * 81}, {"page": "sessions"}, {"query": 1}):
        assert me.patch(f"{VIEWS}/{id}", json=body).status_code == 400
    written = len(world.log("views.save", resource=f"view:{id}", result="success"))
    assert me.patch(f"{VIEWS}/{id}", json={"name": "mine"}).status_code == 200
    assert len(world.log("views.save", resource=f"view:{id}", result="success")) == written


def test_a_page_has_one_default_at_most(me: httpx.Client) -> None:
    first, second = (save(me, name, is_default=True).json()["id"] for name in ("a", "b"))
    elsewhere = save(me, page="sessions", is_default=True).json()["id"]

    def defaults() -> set[str]:
        return {one["id"] for one in mine(me) if one["is_default"]}

    assert defaults() == {second, elsewhere}
    assert me.patch(f"{VIEWS}/{first}", json={"is_default": True}).json()["is_default"] is True
    assert defaults() == {first, elsewhere}
    save(me, "a")  # says nothing about it
    assert defaults() == {first, elsewhere}
    me.patch(f"{VIEWS}/{first}", json={"is_default": False})
    assert defaults() == {elsewhere}


def test_another_users_view_is_not_there(world: World, me: httpx.Client) -> None:
    id = save(me).json()["id"]
    with world.client(world.token(world.user())) as other:
        for client in (other, world.admin):
            assert all(one["id"] != id for one in mine(client))
            assert client.patch(f"{VIEWS}/{id}", json={"name": "taken"}).status_code == 404
            assert client.delete(f"{VIEWS}/{id}").status_code == 404
        assert save(other).status_code == 201
    assert [one["name"] for one in mine(me)] == ["errors"]
    with world.client() as stranger:
        assert save(stranger).status_code == 401


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({"query": {}}, "name"),
        ({"name": "n"}, "query"),
        ({"name": " ", "query": {}}, "name"),
        ({"name": "n\nm", "query": {}}, "name"),
        ({"name": "x" * 81, "query": {}}, "name"),
        ({"name": "n", "query": [1]}, "query"),
        ({"name": "n", "query": {"q": "x" * 65536}}, "64 KiB"),
        ({"name": "n", "query": {}, "page": "\u202e"}, "page"),
        ({"name": "n", "query": {}, "is_default": 1}, "is_default"),
        ({"name": "n", "query": {}, "user_id": "u"}, "user_id"),
    ],
)
def test_what_cannot_be_saved_is_named(me: httpx.Client, body: dict[str, Any], word: str) -> None:
    answer = me.post(VIEWS, json=body)
    assert answer.status_code == 400
    assert word in answer.json()["error"]
    assert mine(me) == []


def test_a_person_has_a_hundred_views_and_no_more(me: httpx.Client) -> None:
    for number in range(100):
        assert save(me, f"view {number}").status_code == 201
    refused = save(me, "one more")
    assert (refused.status_code, "100" in refused.json()["error"]) == (400, True)
    assert save(me, "view 7", query={}).status_code == 200
    me.delete(f"{VIEWS}/{mine(me)[0]['id']}")
    assert save(me, "one more").status_code == 201


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=8,
)


@settings(max_examples=15)
@given(query=st.dictionaries(st.text(max_size=9), json_values) | st.text(max_size=50))
def test_a_query_comes_back_as_it_was_given(world: World, query: Any) -> None:
    answer = world.admin.post(VIEWS, json={"name": "any", "query": query})
    if isinstance(query, str) and "\0" in query:
        assert answer.status_code == 400
        return
    assert answer.json()["query"] == query
    (row,) = world.rows(USER_OBSERVABILITY_VIEWS, user_id=world.admin_id)
    assert mine(world.admin)[0]["query"] == query
    assert row["name"] == "any"
