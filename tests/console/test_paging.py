"""Paging through the audit log by cursor: nothing twice, nothing lost, and no right gained."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.audit import new_id
from console.queries.audit import SORTS
from schema.tables import RESOURCE_GRANTS, USER_GROUP_MEMBERS
from schema.transaction import Rows
from tests.console.access_world import World
from tests.console.audit_log import ACTIVITY, Row, ask, bounds, event, iso, paged, window, write

BY_TIME = ("timestamp:desc", "timestamp:asc")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(tmp_path_factory.mktemp("paging")) as world:
        yield world


def after(page: Any) -> dict[str, str]:
    return {"cursor_ts": page["next_cursor"]["ts"], "cursor_id": page["next_cursor"]["id"]}


@settings(max_examples=15)
@given(
    st.lists(st.integers(0, 3), min_size=2, max_size=20),
    st.lists(st.integers(0, 3), max_size=10),
    st.integers(1, 5),
    st.sampled_from(["timestamp:desc", "timestamp:asc", "action:asc", "duration_ms:desc"]),
)
def test_rows_written_while_one_pages_move_no_other_row(
    world: World, seconds: list[int], later: list[int], limit: int, sort: str
) -> None:
    within = window()
    asked = {**bounds(within), "limit": str(limit), "sort": sort}

    def some(offsets: list[int]) -> list[Row]:
        return [
            event(within[0] + timedelta(seconds=at), f"action.{at}", duration_ms=at or None)
            for at in offsets
        ]

    before = {row["id"] for row in write(world, *some(seconds))}
    page = ask(world.admin, ACTIVITY, asked)
    seen = [row["id"] for row in page["rows"]]
    for added in [[at] for at in later] or [[]]:
        if added:
            write(world, *some(added))
        if page["next_cursor"] is None:
            break
        page = ask(world.admin, ACTIVITY, {**asked, **after(page)})
        seen += [row["id"] for row in page["rows"]]
    while page["next_cursor"] is not None:
        page = ask(world.admin, ACTIVITY, {**asked, **after(page)})
        seen += [row["id"] for row in page["rows"]]
    assert len(seen) == len(set(seen))
    assert before <= set(seen)


@pytest.mark.parametrize("sort", [f"{column}:desc" for column in SORTS] + ["timestamp:asc"])
def test_a_hundred_rows_of_one_moment_are_paged_whole(world: World, sort: str) -> None:
    within = window()
    rows = write(world, *(event(within[0]) for _ in range(100)))
    found = paged(world.admin, {**bounds(within), "sort": sort}, limit=7)
    ids = [row["id"] for row in found]
    expected = sorted((row["id"] for row in rows), reverse=sort != "timestamp:asc")
    assert ids == expected


def before(page: Any) -> dict[str, str]:
    return {
        "cursor_ts": page["prev_cursor"]["ts"],
        "cursor_id": page["prev_cursor"]["id"],
        "newer": "true",
    }


SORTED = [f"{column}:{way}" for column in SORTS for way in ("desc", "asc")]


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), min_size=1, max_size=20),
    st.integers(1, 5),
    st.sampled_from(SORTED),
)
def test_newer_leads_back_through_the_same_pages(
    world: World, made: list[tuple[int, int]], limit: int, sort: str
) -> None:
    """Few values and moments: most rows are ties, and some have no value at all."""
    within = window()
    texts = (None, "a", "b")
    write(
        world,
        *(
            event(
                within[0] + timedelta(seconds=second),
                f"action.{value}",
                user_id=texts[value],
                resource=texts[value],
                result=(None, "success", "error.x")[value],
                duration_ms=(None, 1, 2)[value],
                client_kind=(None, "web", "cli")[value],
                client_ip=texts[value],
                correlation_id=texts[value],
            )
            for second, value in made
        ),
    )
    asked = {**bounds(within), "limit": str(limit), "sort": sort}
    older = [ask(world.admin, ACTIVITY, asked)]
    assert older[0]["prev_cursor"] is None
    while older[-1]["next_cursor"] is not None:
        older.append(ask(world.admin, ACTIVITY, {**asked, **after(older[-1])}))
    assert sum(len(page["rows"]) for page in older) == len(made)
    newer = [older[-1]]
    while newer[-1]["prev_cursor"] is not None:
        newer.append(ask(world.admin, ACTIVITY, {**asked, **before(newer[-1])}))
    assert [page["rows"] for page in reversed(newer)] == [page["rows"] for page in older]
    assert [page["next_cursor"] for page in reversed(newer)][:-1] == [
        page["next_cursor"] for page in older
    ][:-1]


@pytest.mark.parametrize("sort", BY_TIME)
def test_a_deep_cursor_leads_back_where_it_stands(world: World, sort: str) -> None:
    """The window is wider than the steps in which a page looks for its rows."""
    start = window()[0] - timedelta(days=6000)
    start += timedelta(days=100 * BY_TIME.index(sort))
    rows = write(world, *(event(start + timedelta(days=day)) for day in range(28)))
    listed = [row["id"] for row in (rows if sort.endswith("asc") else reversed(rows))]
    asked = {"since": iso(start), "until": iso(start + timedelta(days=29)), "sort": sort}
    stamps = {row["id"]: iso(row["timestamp"]) for row in rows}
    for place in (0, 1, 13, 27):
        cursor = {"cursor_ts": stamps[listed[place]], "cursor_id": listed[place], "newer": "true"}
        page = ask(world.admin, ACTIVITY, {**asked, **cursor, "limit": "5"})
        assert [row["id"] for row in page["rows"]] == listed[max(0, place - 5) : place]
        assert (page["prev_cursor"] is None) == (place <= 5)


def test_newer_needs_a_row_to_end_before(world: World) -> None:
    for query, name in (("newer=true", "newer"), ("newer=perhaps", "newer")):
        answer = world.admin.get(f"{ACTIVITY}?{query}")
        assert answer.status_code == 400
        assert name in answer.json()["error"]


def test_a_deep_cursor_goes_on_where_it_stands(world: World) -> None:
    """The window is wider than the steps in which a page looks for its rows."""
    within = window()
    start = within[0] - timedelta(days=3000)  # rows of other tests lie after it
    rows = write(world, *(event(start + timedelta(days=day)) for day in range(28)))
    asked = {"since": iso(start), "until": iso(start + timedelta(days=29))}
    for deep in (0, 1, 13, 26):
        cursor = {"cursor_ts": iso(rows[deep + 1]["timestamp"]), "cursor_id": rows[deep + 1]["id"]}
        page = ask(world.admin, ACTIVITY, {**asked, **cursor})
        expected = [row["id"] for row in reversed(rows[: deep + 1])]
        assert [row["id"] for row in page["rows"]] == expected[:50]


def test_a_cursor_outside_the_window_gives_the_window_or_nothing(world: World) -> None:
    within = window()
    (row,) = write(world, event(within[0] + timedelta(minutes=5)))
    for at, expected in ((within[1] + timedelta(days=9), [row["id"]]), (within[0], [])):
        cursor = {"cursor_ts": iso(at), "cursor_id": new_id()}
        page = ask(world.admin, ACTIVITY, {**bounds(within), **cursor})
        assert [row["id"] for row in page["rows"]] == expected


ID = "0190a000-0000-7000-8000-000000000000"


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("cursor_ts=2026-01-01T00:00:00Z", "cursor_id"),
        (f"cursor_id={ID}", "cursor_ts"),
        (f"cursor_ts=&cursor_id={ID}", "cursor_ts"),
        ("cursor_ts=2026-01-01T00:00:00Z&cursor_id=", "cursor_id"),
        (f"cursor_ts=yesterday&cursor_id={ID}", "cursor_ts"),
        (f"cursor_ts=2026-02-30T00:00:00Z&cursor_id={ID}", "cursor_ts"),
        (f"cursor_ts=0001-01-01T00:00:00Z&cursor_id={ID}", "cursor_ts"),
        (f"cursor_ts=9999-12-31T23:59:59-14:00&cursor_id={ID}", "cursor_ts"),
        (f"cursor_ts=1e999&cursor_id={ID}", "cursor_ts"),
        ("cursor_ts=2026-01-01T00:00:00Z&cursor_id=" + "a" * 65, "cursor_id"),
        ("cursor_ts=2026-01-01T00:00:00Z&cursor_id=a%00b", "cursor_id"),
        ("cursor_ts=2026-01-01T00:00:00Z&cursor_id=%FF", "cursor_id"),
        (f"cursor_ts=2026-01-01&cursor_ts=2026-01-02&cursor_id={ID}", "cursor_ts"),
        (f"cursor_ts=2026-01-01&cursor_id={ID}&cursor_id={ID}", "cursor_id"),
        (f"sort=action:asc&cursor_ts=2026-01-01&cursor_id={ID}", "cursor_id"),
    ],
)
def test_a_cursor_that_is_half_given_repeated_or_unreadable_is_named(
    world: World, query: str, name: str
) -> None:
    answer = world.admin.get(f"{ACTIVITY}?{query}")
    assert answer.status_code == 400
    assert answer.json().keys() == {"ok", "title", "error", "detail"}
    assert name in answer.json()["error"]


@pytest.mark.parametrize("path", ["observability/kpis", "observability/facets", "activity/export"])
def test_only_the_timeline_takes_a_cursor(world: World, path: str) -> None:
    answer = world.admin.get(f"/api/admin/{path}?cursor_ts=2026-01-01&cursor_id={ID}")
    assert answer.status_code == 400
    assert "cursor_ts" in answer.json()["error"]


@pytest.mark.parametrize("sort", [*BY_TIME, "action:asc", "result:desc"])
def test_the_cursor_of_anothers_row_opens_nothing(world: World, sort: str) -> None:
    """An analyst who got hold of a cursor stays outside; with the grant taken away too."""
    within = window()
    rows = write(world, *(event(within[0] + timedelta(seconds=at)) for at in range(3)))
    asked = {**bounds(within), "sort": sort}
    asked |= {"cursor_ts": iso(rows[1]["timestamp"]), "cursor_id": rows[1]["id"]}
    analyst = world.user()
    with world.client(world.token(analyst)) as client:
        assert client.get(ACTIVITY, params=asked).status_code == 403
        group = new_id()
        member = {"group_id": group, "user_id": analyst, "added_at": within[0]}
        grant = {"id": new_id(), "group_id": group, "resource_type": "activity"}
        grants = Rows(RESOURCE_GRANTS, [{**grant, "created_at": within[0]}])
        world.store.write(Rows(USER_GROUP_MEMBERS, [member]), grants).result()
        assert len(ask(client, ACTIVITY, asked)["rows"]) == 1
        world.store.write(
            lambda transaction: transaction.delete(RESOURCE_GRANTS, {"id": grant["id"]})
        ).result()
        assert client.get(ACTIVITY, params=asked).status_code == 403
