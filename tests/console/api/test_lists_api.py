"""The envelope of every list under users & access."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.console.access_world import World

LISTS = ("users", "groups", "grants", "tokens")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(tmp_path_factory.mktemp("lists")) as world:
        for number in range(11):
            world.user(f"person{number}@example.org")
        yield world


@pytest.mark.parametrize("noun", LISTS)
def test_a_list_has_the_envelope(world: World, noun: str) -> None:
    answer = world.admin.get(f"/api/admin/{noun}").json()
    assert answer.keys() == {"rows", "total", "limit", "offset", "next_offset"}
    assert (answer["limit"], answer["offset"], answer["next_offset"]) == (100, 0, None)


@settings(max_examples=15)
@given(st.integers(min_value=1, max_value=15), st.sampled_from(["", "person", "PERSON1", "@"]))
def test_pages_put_together_are_the_list(world: World, limit: int, text: str) -> None:
    whole = world.admin.get("/api/admin/users", params={"q": text, "limit": 1000}).json()
    rows: list[dict[str, object]] = []
    offset: int | None = 0
    while offset is not None:
        params: dict[str, str | int] = {"q": text, "limit": limit, "offset": offset}
        page = world.admin.get("/api/admin/users", params=params).json()
        assert page["total"] == whole["total"] == len(whole["rows"])
        assert len(page["rows"]) <= limit
        rows += page["rows"]
        offset = page["next_offset"]
    assert rows == whole["rows"]


@settings(max_examples=25)
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20))
def test_any_text_is_looked_for_as_it_is(world: World, text: str) -> None:
    answer = world.admin.get("/api/admin/users", params={"q": text})
    assert answer.status_code == 200
    for row in answer.json()["rows"]:
        assert text.lower() in row["email"].lower()


@pytest.mark.parametrize("noun", LISTS)
@pytest.mark.parametrize(
    ("query", "names"),
    [
        *(("limit=0", "limit"), ("limit=1001", "limit"), ("limit=1e999", "limit")),
        *(("limit=ten", "limit"), ("offset=-1", "offset"), ("offset=" + "9" * 30, "offset")),
        *(("q=a&q=b", "q"), ("sort=password_hash", "sort"), ("q=%00", "q"), ("q=%ff", "q")),
    ],
)
def test_what_cannot_be_asked_is_named(world: World, noun: str, query: str, names: str) -> None:
    answer = world.admin.get(f"/api/admin/{noun}?{query}")
    assert answer.status_code == 400
    assert names in answer.json()["error"]


def test_past_the_end_there_are_no_rows_and_the_total_stands(world: World) -> None:
    answer = world.admin.get("/api/admin/users?offset=1000").json()
    assert answer["rows"] == []
    assert answer["total"] == 12
    assert answer["next_offset"] is None


def test_a_write_takes_no_arguments(world: World) -> None:
    for noun in LISTS:
        answer = world.admin.post(f"/api/admin/{noun}?dry_run=1", json={})
        assert answer.status_code == 400
        assert "dry_run" in answer.json()["error"]
