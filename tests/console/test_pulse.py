"""The health pulse under a frozen clock: colours and bounds of each field, sentence, links."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest

from console import doctor, pulse
from console.audit import LostWrites, new_id
from console.pulse import NOTHING
from schema.store import Store
from schema.table import Table
from schema.tables import (
    AUDIT_LOG,
    JOB_RUNS,
    SESSION_FILES,
    SESSION_PROCESSOR_STATE,
    SYNC_HISTORY,
    TABLE_REGISTRY,
)
from schema.transaction import Rows, Transaction
from tests.console.access_world import World
from tests.console.audit_log import ACTIVITY, ask, event, write

NOW = datetime(2026, 3, 4, 12, 0, 0)
KEYS = (
    *("scheduler", "sync_24h", "active_users_today", "memory_pipeline", "session_ingest"),
    *("audit_writes", "storage", "diagnose_warnings"),
)
SEEDED = (
    *(AUDIT_LOG, JOB_RUNS, SYNC_HISTORY, SESSION_FILES, SESSION_PROCESSOR_STATE),
    TABLE_REGISTRY,
)
GB = 1 << 30


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(tmp_path_factory.mktemp("pulse")) as world:
        yield world


@pytest.fixture
def world(shared: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """Up for a day, with room on the disk, and nothing has happened."""
    for table in SEEDED:
        for row in shared.rows(table):
            shared.store.write(partial(remove, table, row)).result()
    monkeypatch.setattr(shared.instance, "lost_writes", LostWrites())
    monkeypatch.setattr(shared.instance, "started_at", NOW - timedelta(days=1))
    monkeypatch.setattr(shared.instance, "pulse", None)
    free(monkeypatch, 0.5)
    return shared


def remove(table: Table, row: dict[str, Any], transaction: Transaction) -> None:
    transaction.delete(table, {name: row[name] for name in table.key})


def free(monkeypatch: pytest.MonkeyPatch, share: float, *, total: int = 1000 * GB) -> None:
    usage = SimpleNamespace(total=total, free=int(total * share), used=0)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)


def measured(world: World) -> dict[str, Any]:
    return pulse.compute(world.instance, NOW)


def field(world: World, key: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = measured(world)["fields"]
    return {one["key"]: one for one in found}[key]


def ago(**span: float) -> datetime:
    return NOW - timedelta(**span)


def tick(world: World, at: datetime, action: str = "script_runner.tick") -> None:
    write(world, event(at, action, client_kind="scheduler"))


def sync(world: World, status: str | None, count: int = 1, *, table: str = "orders") -> None:
    row = {"table_id": table, "synced_at": ago(hours=1), "status": status}
    world.store.write(Rows(SYNC_HISTORY, [{**row, "id": new_id()} for _ in range(count)])).result()


def schedule(world: World) -> None:
    row = {"id": "orders", "name": "orders", "schedule": "daily", "created_at": NOW}
    world.store.write(Rows(TABLE_REGISTRY, [row])).result()


def upload(world: World, at: datetime, file: str = "u/a.jsonl", parent: str | None = None) -> None:
    row = {"session_file": file, "user_id": "u", "uploaded_at": at, "parent": parent}
    world.store.write(Rows(SESSION_FILES, [row])).result()


def processed(world: World, at: datetime, file: str = "u/a.jsonl", **columns: Any) -> None:
    row = {"processor_name": "usage", "session_file": file, "processed_at": at, **columns}
    world.store.write(Rows(SESSION_PROCESSOR_STATE, [row])).result()


def test_a_new_instance_is_green_and_says_nothing_yet(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(world.instance, "started_at", ago(seconds=1799))
    found = measured(world)
    assert found["status"] == "green"
    assert tuple(one["key"] for one in found["fields"]) == KEYS
    values = {one["key"]: one["value"] for one in found["fields"]}
    for key in ("scheduler", "sync_24h", "memory_pipeline", "session_ingest"):
        assert values[key] == NOTHING
    assert found["sentence"] == (
        "All systems nominal: 0 active users, last scheduler tick nothing yet, 0 syncs in 24h."
    )
    assert found["parts"] == []


@pytest.mark.parametrize(
    ("seconds", "color", "value"),
    [
        (0, "green", "0s ago"),
        (1800, "green", "30m ago"),
        (1801, "yellow", "30m ago"),
        (7200, "yellow", "2h ago"),
        (7201, "red", "2h ago"),
        (200_000, "red", "2d ago"),
    ],
)
def test_the_scheduler_is_late_after_half_an_hour_and_dead_after_two(
    world: World, seconds: int, color: str, value: str
) -> None:
    tick(world, ago(seconds=seconds))
    tick(world, ago(days=9), "run_job:rollups")
    found = field(world, "scheduler")
    assert (found["color"], found["value"], found["raw"]) == (color, value, seconds)


def test_a_scheduler_that_never_ran_is_yellow_after_half_an_hour(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(world, event(ago(minutes=1), "run_job:x", client_kind="web", user_id="u"))  # by hand
    for up, color, value in ((1799, "green", NOTHING), (1800, "yellow", "never")):
        monkeypatch.setattr(world.instance, "started_at", ago(seconds=up))
        found = field(world, "scheduler")
        assert (found["color"], found["value"]) == (color, value)


@pytest.mark.parametrize(
    ("good", "failed", "color"),
    [(1, 0, "green"), (9, 1, "yellow"), (89, 11, "red"), (90, 10, "yellow"), (0, 1, "red")],
)
def test_syncs_are_judged_by_the_share_that_failed(
    world: World, good: int, failed: int, color: str
) -> None:
    schedule(world)
    sync(world, "success", good)
    sync(world, "error", failed)
    sync(world, "skipped", 50)
    found = field(world, "sync_24h")
    assert found["color"] == color
    assert found["raw"] == {"ok": good, "fail": failed}
    assert found["value"] == f"{good} ok / {failed} fail"


def test_no_sync_is_nothing_without_a_schedule_and_a_gap_with_one(world: World) -> None:
    old = {"id": new_id(), "table_id": "orders", "synced_at": ago(hours=25), "status": "error"}
    world.store.write(Rows(SYNC_HISTORY, [old])).result()
    assert field(world, "sync_24h")["value"] == NOTHING
    schedule(world)
    found = field(world, "sync_24h")
    assert (found["color"], found["value"]) == ("yellow", "none")


def test_only_people_of_this_day_count_as_active(world: World) -> None:
    midnight = NOW.replace(hour=0)
    write(
        world,
        event(midnight, user_id="u-1", client_kind="web"),
        event(NOW, user_id="u-1", client_kind="cli"),
        event(NOW, user_id="u-2", client_kind="agent"),
        event(midnight - timedelta(microseconds=1), user_id="u-3", client_kind="web"),
        event(NOW, user_id="u-4", client_kind="scheduler"),
        event(NOW, user_id="u-5", client_kind="external"),
        event(NOW, "run_job:x", user_id="u-6"),
        event(NOW, "auth.login_failed", user_id="u-7", client_kind="web", result="denied"),
        event(NOW, client_kind="web"),
    )
    found = field(world, "active_users_today")
    assert (found["raw"], found["value"], found["color"]) == (2, "2", "green")


@pytest.mark.parametrize(
    ("seconds", "color"), [(0, "green"), (3600, "green"), (3601, "yellow"), (90_000, "yellow")]
)
def test_the_pipeline_is_late_after_an_hour(world: World, seconds: int, color: str) -> None:
    upload(world, ago(days=9))
    processed(world, ago(seconds=seconds))
    found = field(world, "memory_pipeline")
    assert (found["color"], found["raw"]) == (color, seconds)


@pytest.mark.parametrize(
    ("job", "status", "color"),
    [
        ("process_sessions", "skipped", "green"),
        ("process_sessions", "ok", "green"),
        ("process_sessions", "failed", "yellow"),
        ("prune", "ok", "yellow"),
    ],
)
def test_a_pipeline_that_has_nothing_to_do_is_well(
    world: World, job: str, status: str, color: str
) -> None:
    upload(world, ago(days=9))
    processed(world, ago(days=8))
    row = {"id": new_id(), "job_name": job, "status": status}
    times = {"queued_at": ago(minutes=5), "finished_at": ago(minutes=4)}
    world.store.write(Rows(JOB_RUNS, [{**row, **times}])).result()
    assert field(world, "memory_pipeline")["color"] == color


def test_a_pipeline_that_never_finished_a_file_is_yellow(world: World) -> None:
    upload(world, ago(days=9))
    processed(world, ago(seconds=1), error="broken", attempts=1)
    found = field(world, "memory_pipeline")
    assert (found["color"], found["value"]) == ("yellow", "never")


@pytest.mark.parametrize(
    ("uploaded", "state", "color", "value"),
    [
        (timedelta(minutes=60), None, "green", "0 of 1"),
        (timedelta(minutes=61), None, "yellow", "0 of 1"),
        (timedelta(hours=24), None, "yellow", "0 of 1"),
        (timedelta(hours=25), None, "green", "0 of 0"),
        (timedelta(hours=2), {"processed_at": timedelta(hours=1)}, "green", "1 of 1"),
        (timedelta(hours=2), {"processed_at": timedelta(hours=3)}, "yellow", "0 of 1"),
        (timedelta(hours=2), {"error": "x", "attempts": 2}, "yellow", "0 of 1"),
        (timedelta(hours=2), {"error": "x", "attempts": 3}, "red", "0 of 1"),
        (timedelta(minutes=1), {"error": "x", "attempts": 3}, "red", "0 of 1"),
    ],
)
def test_uploads_wait_for_an_hour_at_most(
    world: World, uploaded: timedelta, state: dict[str, Any] | None, color: str, value: str
) -> None:
    upload(world, NOW - uploaded)
    upload(world, NOW - uploaded, "u/a/subagents/agent-1.jsonl", parent="u/a.jsonl")
    if state is not None:
        at = state.get("processed_at", timedelta(0))
        processed(world, NOW - at, **{k: v for k, v in state.items() if k != "processed_at"})
    found = field(world, "session_ingest")
    assert (found["color"], found["value"]) == (color, value)


def test_audit_writes_wait_or_are_lost(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    assert field(world, "audit_writes")["value"] == "all written"
    for waiting, color in ((pulse.BACKLOG, "green"), (pulse.BACKLOG + 1, "yellow")):
        monkeypatch.setattr(Store, "waiting", waiting)
        assert field(world, "audit_writes")["color"] == color
    monkeypatch.setattr("console.audit.now", lambda: ago(hours=24, seconds=1))
    world.instance.lost_writes.add(OSError("long ago"))
    assert field(world, "audit_writes")["color"] == "yellow"
    monkeypatch.setattr("console.audit.now", lambda: ago(hours=24))
    world.instance.lost_writes.add(OSError("no space"))
    found = field(world, "audit_writes")
    assert (found["color"], found["value"]) == ("red", "1 failed")


@pytest.mark.parametrize(
    ("share", "color"), [(0.201, "green"), (0.20, "yellow"), (0.051, "yellow"), (0.05, "red")]
)
def test_the_disk_warns_at_a_fifth_and_alarms_at_a_twentieth(
    world: World, monkeypatch: pytest.MonkeyPatch, share: float, color: str
) -> None:
    free(monkeypatch, share)
    found = field(world, "storage")
    assert (found["color"], found["raw"]) == (color, share)


def test_checks_that_fail_are_counted_and_the_worst_one_colours(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(level: str) -> doctor.Diagnosis:
        return doctor.Diagnosis("x", level, f"a {level} thing")

    for levels, color in (((), "green"), (("warning",), "yellow"), (("warning", "severe"), "red")):
        found = [failing(level) for level in ("ok", *levels)]
        monkeypatch.setattr(doctor, "examine", lambda patient, found=found: found)
        shown = field(world, "diagnose_warnings")
        assert (shown["color"], shown["raw"]) == (color, len(levels))


# The sentence and the links


def test_when_all_is_well_the_sentence_says_who_is_here(world: World) -> None:
    tick(world, ago(minutes=5))
    write(world, event(NOW, user_id="u-1", client_kind="web"))
    sync(world, "success", 3)
    found = measured(world)
    assert (found["status"], found["sentence"]) == (
        "green",
        "All systems nominal: 1 active user, last scheduler tick 5m ago, 3 syncs in 24h.",
    )


def test_one_wrong_thing_is_named_with_the_filter_that_shows_it(world: World) -> None:
    tick(world, ago(minutes=5))
    sync(world, "error", 2, table="orders")
    sync(world, "success", 1, table="orders")
    found = measured(world)
    assert found["status"] == "red"
    assert found["sentence"] == "One thing needs a look: the sync of orders failed 2 of 3 times."
    (part,) = found["parts"]
    assert part["click_filter"] == "action_prefix=sync.&result_class=error"


def test_several_wrong_things_are_named_the_worst_first(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    free(monkeypatch, 0.04)
    upload(world, ago(hours=2))
    sync(world, "error", 1, table="orders")
    sync(world, "error", 1, table="people")
    found = measured(world)
    assert found["status"] == "red"
    assert found["sentence"].startswith("5 things need a look: ")
    assert "2 of 2 syncs failed, in 2 tables" in found["sentence"]
    assert [part["color"] for part in found["parts"]] == ["red", "red", *["yellow"] * 3]


def test_every_link_is_a_filter_of_the_timeline(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def links() -> set[str]:
        found = measured(world)
        return {one["click_filter"] for one in [*found["fields"], *found["parts"]]} - {None}

    every = links()
    sync(world, "error")
    upload(world, ago(hours=2))
    free(monkeypatch, 0.01)
    every |= links()
    assert len(every) >= 6
    for link in every:
        answer = world.admin.get(f"{ACTIVITY}?{link}")
        assert answer.status_code == 200, (link, answer.text)


def test_the_pulse_is_taken_at_most_every_30_seconds(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = SimpleNamespace(at=1000.0)
    monkeypatch.setattr(pulse, "time", SimpleNamespace(monotonic=lambda: clock.at))
    taken: list[int] = []

    def compute(instance: Any) -> dict[str, Any]:
        taken.append(1)
        return {"taken": len(taken)}

    monkeypatch.setattr(pulse, "compute", compute)
    for seconds, expected in ((0, 1), (29.9, 1), (30.1, 2), (31, 2), (61, 3)):
        clock.at = 1000.0 + seconds
        assert ask(world.admin, f"{ACTIVITY}/health", {}) == {"taken": expected}


def test_the_endpoint_answers_the_shape_of_the_specification(world: World) -> None:
    found = ask(world.admin, f"{ACTIVITY}/health", {})
    assert {"status", "fields", "sentence"} <= found.keys()
    for one in found["fields"]:
        assert one.keys() == {"key", "value", "raw", "color", "click_filter"}
        assert one["color"] in ("green", "yellow", "red")
    assert world.admin.get(f"{ACTIVITY}/health?x=1").status_code == 400
