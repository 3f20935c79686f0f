"""The grid of syncs: it counts exactly the events of the timeline, and tells what they brought."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import httpx
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.audit import new_id
from console.syncs import MOST_FAILURES, MOST_TABLES
from schema.tables import SYNC_HISTORY
from schema.transaction import Rows
from tests.console.access_world import World
from tests.console.audit_log import HISTOGRAM, KPIS, Row, ask, bounds, event, paged, window, write

SYNCS = "/api/admin/observability/syncs"
RESULTS = ("success", "ok", "error", "error.timeout", "denied", "skipped", "strange", None)
RESOURCES = (None, "none", "table:a", "table:b", "table:a%b", "table:", "🎉", 'x"y\\')
MOMENTS = (0, 0.000001, 59.999999, 60, 1799.7, 3599.999999, 3600)

logs = st.lists(
    st.fixed_dictionaries(
        {
            "moment": st.sampled_from(MOMENTS),
            "action": st.sampled_from(["sync.table", "sync.table", "sync.trigger", "sync.tables"]),
            "resource": st.sampled_from(RESOURCES),
            "result": st.sampled_from(RESULTS),
            "client_kind": st.sampled_from([None, "scheduler", "web"]),
            "duration_ms": st.none() | st.integers(0, 10**6),
        }
    ),
    max_size=14,
)
filters = st.fixed_dictionaries(
    {},
    optional={
        "resource": st.sampled_from(["none", "table:a", "table:a%b"]),
        "resource_prefix_not": st.sampled_from(["table:", "none"]),
        "action_in": st.sampled_from(["sync.table", "sync.trigger,sync.table", "sync.trigger"]),
        "action_prefix": st.sampled_from(["sync.", "sync.table", "sync.tables", "x"]),
        "result_class": st.sampled_from(["success", "error", "denied", "other", "none"]),
        "source": st.sampled_from(["scheduler", "web", "system"]),
        "query": st.sampled_from(
            ["action:sync. -result:error", 'action:="sync.table" resource:table:', "-kind:web"]
        ),
    },
)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(tmp_path_factory.mktemp("syncs")) as world:
        yield world


def synced(at: datetime, table: str = "a", result: str = "success", **columns: Any) -> Row:
    said = orjson.dumps(columns.pop("said", {})).decode()
    return event(at, "sync.table", resource=f"table:{table}", result=result, params=said, **columns)


def record(world: World, rows: int | None = None, error: str | None = None) -> str:
    """The id of a new record of a sync."""
    id = new_id()
    row = dict.fromkeys(SYNC_HISTORY.columns) | {"id": id, "table_id": "a", "rows": rows}
    row |= {"synced_at": datetime(2003, 1, 1), "status": "error" if error else "ok"}
    world.store.write(Rows(SYNC_HISTORY, [{**row, "error": error}])).result()
    return id


def summed(tables: Sequence[Row], name: str) -> int:
    return sum(cell[name] for table in tables for cell in table["cells"] if cell)


@given(log=logs, chosen=filters)
@settings(max_examples=max(15, settings().max_examples // 4), deadline=None)
def test_the_cells_hold_the_events_of_the_timeline(
    world: World, log: list[Row], chosen: dict[str, str]
) -> None:
    within = window()
    rows = [dict(row) for row in log]
    write(
        world,
        *(event(within[0] + timedelta(seconds=row.pop("moment")), **row) for row in rows),
    )
    asked = {**bounds(within), **chosen}
    grid = ask(world.admin, SYNCS, asked)
    listed = [row for row in paged(world.admin, asked) if row["action"] == "sync.table"]
    failed = [row for row in listed if row["result_class"] == "error"]
    assert grid["runs"] == summed(grid["tables"], "runs") == len(listed)
    assert grid["failed"] == summed(grid["tables"], "failed") == len(failed)
    assert {table["resource"] for table in grid["tables"]} == {row["resource"] for row in listed}
    assert [row["id"] for row in grid["failures"]] == [row["id"] for row in failed]
    for table in grid["tables"]:
        assert len(table["cells"]) == len(grid["buckets"])
        for name in ("runs", "ok", "failed"):
            assert table[name] == summed([table], name)


def test_the_cells_are_those_of_the_histogram(world: World) -> None:
    within = window()
    write(world, *(synced(within[0] + timedelta(minutes=at)) for at in (0, 1, 1, 30, 60)))
    asked = {**bounds(within), "action_in": "sync.table"}
    bars, grid = ask(world.admin, HISTOGRAM, asked), ask(world.admin, SYNCS, asked)
    assert grid["bucket_seconds"] == bars["bucket_seconds"]
    assert grid["buckets"] == [bar["ts"] for bar in bars["buckets"]]
    cells = grid["tables"][0]["cells"]
    assert [cell["runs"] if cell else 0 for cell in cells] == [
        bar["total"] for bar in bars["buckets"]
    ]


def test_each_table_has_its_sums_and_the_worst_comes_first(world: World) -> None:
    within = window()
    one, two = record(world, 7), record(world, 5)
    write(
        world,
        synced(within[0], "good", duration_ms=10, said={"sync_ids": [one, two, "gone"]}),
        synced(within[0], "good", duration_ms=30, said={"n": 1, "sync_ids": [one]}),
        synced(within[0], "often", "error", duration_ms=5),
        *(synced(within[0], "often") for _ in range(3)),
        synced(within[0], "always", "error.timeout"),
    )
    grid = ask(world.admin, SYNCS, bounds(within))
    assert [table["table_id"] for table in grid["tables"]] == ["always", "often", "good"]
    often, good = grid["tables"][1:]
    assert (often["runs"], often["failed"], often["rows"]) == (4, 1, None)
    assert (good["runs"], good["rows"], good["p50_duration_ms"]) == (2, 7 + 5 + 7, 20)


def test_a_text_cannot_pass_for_the_ids_of_an_event(world: World) -> None:
    within = window()
    foreign = record(world, 1000)
    write(
        world,
        synced(within[0], said={"note": f'"sync_ids":["{foreign}"]', "sync_ids": []}),
        event(within[0], "sync.table", resource="table:a", params=None),
        event(within[0], "sync.table", resource="table:a", params='{"sync_ids":5'),
    )
    assert ask(world.admin, SYNCS, bounds(within))["tables"][0]["rows"] is None


def test_failures_tell_their_error_newest_first(world: World) -> None:
    within = window()
    id = record(world, error="the source does not answer")
    rows = write(
        world,
        synced(within[0], "kept", "error", said={"sync_ids": [id], "error": "in short"}),
        synced(within[0] + timedelta(seconds=1), "pruned", "error", said={"error": "in short"}),
        synced(within[0] + timedelta(seconds=2), "silent", "error", said={"error": 5}),
        synced(within[0] + timedelta(seconds=3), "fine"),
    )
    failures = ask(world.admin, SYNCS, bounds(within))["failures"]
    assert [row["id"] for row in failures] == [row["id"] for row in rows[2::-1]]
    assert [row["error"] for row in failures] == [None, "in short", "the source does not answer"]
    assert failures[2].items() >= {"table_id": "kept", "result": "error"}.items()


def test_what_is_not_shown_is_summed(world: World) -> None:
    within = window()
    many = MOST_TABLES + 3
    write(world, *(synced(within[0], f"t{number:04}", "error") for number in range(many)))
    grid = ask(world.admin, SYNCS, bounds(within))
    assert len(grid["tables"]) == MOST_TABLES
    assert grid["other"] == {"tables": 3, "runs": 3, "ok": 0, "failed": 3}
    assert grid["runs"] == many == ask(world.admin, KPIS, bounds(within))["events_total"]
    assert len(grid["failures"]) == MOST_FAILURES < grid["failed"]


def test_who_holds_the_grant_sees_the_grid_masked_as_the_log(world: World) -> None:
    within, id = window(), record(world, 3, "boom")
    long = "x" * 200
    write(world, synced(within[0], long, "error", user_id="u-1", said={"sync_ids": [id]}))
    group = world.admin.post("/api/admin/groups", json={"name": f"watch {id}"}).json()["id"]
    user = world.user()
    world.admin.post(f"/api/admin/groups/{group}/members", json={"user_id": user})
    grant = {"group_id": group, "resource_type": "activity"}
    assert world.admin.post("/api/admin/grants", json=grant).status_code == 201
    with world.client(world.token(user)) as client:
        grid = ask(client, SYNCS, bounds(within))
        listed = paged(client, bounds(within))
    (table,), (failure,) = grid["tables"], grid["failures"]
    assert table["resource"] == failure["resource"] == listed[0]["resource"]
    assert len(table["resource"]) < len(long)
    assert (table["rows"], failure["error"]) == (3, "boom")


def test_reading_the_grid_is_written(world: World) -> None:
    asked = bounds(window())
    assert ask(world.admin, SYNCS, asked)["tables"] == []
    said = world.last("activity.read")["params"]
    assert said == {"endpoint": "syncs", **asked}


@pytest.mark.parametrize("wrong", [{"result_class": "bad"}, {"table": "a"}, {"limit": "5"}])
def test_what_cannot_be_asked_is_named(world: World, wrong: dict[str, str]) -> None:
    answer: httpx.Response = world.admin.get(SYNCS, params=wrong)
    assert answer.status_code == 400
    assert next(iter(wrong)) in answer.json()["error"]
