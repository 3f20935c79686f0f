"""Queries, performance and usage: figures that agree with the log's own, orders that few calls
cannot top, texts that tell no value."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console import durations
from console.activity import Reader
from console.asking import asked_queries
from console.queries import durations as duration_questions
from console.queries.audit_filter import AuditFilter
from schema.policy import Principal
from tests.console.access_world import World
from tests.console.audit_log import ACTIVITY, KPIS, Row, ask, bounds, event, iso, window, write

OBSERVED = "/api/admin/observability"
QUERIES, PERFORMANCE, USAGE = (f"{OBSERVED}/{name}" for name in ("queries", "performance", "usage"))
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(tmp_path_factory.mktemp("insights")) as world:
        yield world


def asked(at: datetime, sql: str | None, **columns: Any) -> Row:
    params: dict[str, Any] = {"tables": ["orders"], "is_admin": False}
    params |= {} if sql is None else {"sql_preview": sql}
    row = {"action": "query.local", "params": orjson.dumps(params).decode(), **columns}
    return event(at, **row)


def seconds(start: datetime, count: int) -> list[datetime]:
    return [start + timedelta(seconds=number) for number in range(count)]


logs = st.lists(
    st.fixed_dictionaries(
        {
            "action": st.sampled_from(["query.local", "query.internal", "user.create", "a b"]),
            "user_id": st.sampled_from([None, "u-1", "u-2", "u-3"]),
            "client_kind": st.sampled_from([None, "web", "cli", "agent", "scheduler"]),
            "result": st.sampled_from(["success", "error.timeout", "denied", None]),
            "duration_ms": st.none() | st.integers(0, 10**7),
            "params": st.sampled_from(
                [None, "null", "[]", "1", '{"sql_preview":"SELECT 1"}', '{"sql_preview":7}', "{"]
            ),
        }
    ),
    max_size=20,
)
narrowed = st.sampled_from([{}, {"action_prefix": "query."}, {"client_kind": "web"}])


@settings(max_examples=25)
@given(logs, narrowed)
def test_all_sums_are_the_cards_own(world: World, log: list[Row], filter: dict[str, str]) -> None:
    within = window()
    write(world, *(event(at, **row) for at, row in zip(seconds(within[0], 20), log, strict=False)))
    wanted = {**bounds(within), **filter}
    kpis = ask(world.admin, KPIS, wanted)
    found = ask(world.admin, PERFORMANCE, wanted)
    counted = sum(row["count"] for row in found["actions"]) + found["other"]["count"]
    assert counted == found["events_total"] == kpis["events_total"]
    assert sum(bucket["count"] for bucket in found["buckets"]) == kpis["events_total"]
    assert sum(row["errors"] for row in found["actions"]) == kpis["errors"]
    used = ask(world.admin, USAGE, wanted)
    assert used["people"] == kpis["active_users"]
    assert sum(kind["events"] for kind in used["kinds"]) == used["events"]
    assert sum(bucket["events"] for bucket in used["buckets"]) == used["events"]
    queries = ask(world.admin, QUERIES, wanted)
    only = ask(world.admin, KPIS, {**wanted, "query": "action:query."})
    assert sum(row["count"] for row in queries["rows"]) == queries["covered"]
    assert queries["covered"] == queries["events_total"] == only["events_total"]


def test_actions_beyond_the_most_frequent_are_summed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(duration_questions, "MOST_ACTIONS", 3)
    within = window()
    rows = [
        event(at, f"act.{number % 5}", duration_ms=number, result="error.x")
        for number, at in enumerate(seconds(within[0], 12))
    ]
    write(world, *rows)
    world.store._plans.clear()
    found = ask(world.admin, PERFORMANCE, bounds(within))
    world.store._plans.clear()
    assert [row["action"] for row in found["actions"]] == ["act.0", "act.1", "act.2"]
    assert found["other"] == {"actions": 2, "count": 4, "measured": 4, "errors": 4, "denied": 0}
    assert found["events_total"] == 12


def test_percentiles_are_those_of_the_durations(world: World) -> None:
    within = window()
    took = [7, 100, 20, 3000, 45, 60, 80, 1, 9, 10, 11, 12]
    write(
        world,
        *(
            event(at, "one.thing", duration_ms=each)
            for at, each in zip(seconds(within[0], 12), took, strict=True)
        ),
        event(within[0], "one.thing", duration_ms=None),
    )
    (row,) = ask(world.admin, PERFORMANCE, bounds(within))["actions"]
    for name, part in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99)):
        assert row[f"{name}_duration_ms"] == round(float(np.quantile(took, part)))
    assert (row["count"], row["measured"], row["coverage"]) == (13, 12, round(12 / 13, 4))


def test_one_slow_call_and_one_failed_call_top_nothing(world: World) -> None:
    within = window()
    often = seconds(within[0], 40)
    write(
        world,
        *(event(at, "often", duration_ms=50, result="error.x") for at in often[:20]),
        *(event(at, "often", duration_ms=50) for at in often[20:]),
        event(within[0], "once", duration_ms=10**6, result="error.x"),
    )
    for sort in ("slowest", "failing"):
        found = ask(world.admin, PERFORMANCE, {**bounds(within), "sort": sort})["actions"]
        assert [row["action"] for row in found] == ["often", "once"], sort
    assert found[1]["few"] is True
    assert found[1]["error_rate"] == 1.0


def test_what_is_sure_of_a_rate_grows_with_the_calls() -> None:
    rates = [durations.doubted_rate(count // 2, count) for count in (2, 10, 100, 10_000)]
    assert rates == sorted(rates)
    assert 0 < rates[0] < rates[-1] < 0.5
    assert durations.doubted_rate(0, 0) == durations.doubted_rate(0, 50) == 0.0


def test_equal_questions_meet_and_tell_no_value(world: World) -> None:
    within = window()
    texts = ["SELECT * FROM orders WHERE id = 17.0625", "SELECT * FROM orders WHERE id = 'anna'"]
    all_took = range(10, 70, 10)
    rows = [
        asked(at, texts[number % 2], user_id=f"u-{number % 3}", client_kind="web", duration_ms=took)
        for number, (at, took) in enumerate(zip(seconds(within[0], 6), all_took, strict=True))
    ]
    rows[0]["result"], rows[1]["result"] = "error.timeout", "denied"
    write(world, *rows)
    found = ask(world.admin, QUERIES, bounds(within))
    (row,) = found["rows"]
    assert row["query"] == "SELECT * FROM orders WHERE id = ?"
    assert (row["count"], row["people"], row["errors"], row["denied"]) == (6, 3, 1, 1)
    assert row["p50_duration_ms"] == statistics.median(all_took)
    assert row["tables"] == ["orders"]
    assert row["example"] == rows[5]["id"]
    assert row["error_rate"] == round(1 / 6, 4)
    assert "anna" not in str(found)
    assert "17.0625" not in str(found["rows"])


def test_ones_own_queries_are_raw(world: World) -> None:
    within = window()
    write(world, asked(within[0], "SELECT 17", user_id="u-raw"))
    reader = Reader(world.instance, Principal("u-raw"))
    filter = AuditFilter(within[0], within[1])
    (row,) = asked_queries.queries(reader, filter, own=True)["rows"]
    assert row["query"] == "SELECT 17"
    (masked,) = asked_queries.queries(reader, filter)["rows"]
    assert masked["query"] == "SELECT ?"


def test_a_texts_fragment_finds_its_events(world: World) -> None:
    within = window()
    texts = [
        "SELECT name FROM customers WHERE city = 'Brno' AND age > 30",
        'SELECT "Unit Price" FROM orders\nWHERE x = 1',
        "SELECT ünï FROM orders WHERE y = 'a\\b'",
    ]
    for text in texts:
        write(world, asked(within[0], text))
    found = ask(world.admin, QUERIES, bounds(within))["rows"]
    assert len(found) == len(texts)
    for row in found:
        fragment = asked_queries.fragment(row["query"])
        assert fragment
        query = f'action:query. "{fragment}"'
        listed = ask(world.admin, ACTIVITY, {**bounds(within), "query": query})["rows"]
        assert row["example"] in {event["id"] for event in listed}, fragment
    assert asked_queries.fragment(None) is asked_queries.fragment("? ?") is None


def test_only_the_most_frequent_texts_are_read_and_it_is_said(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from console.queries import asked_queries as questions

    monkeypatch.setattr(questions, "MOST_TEXTS", 2)
    within = window()
    names = ("a", "a", "a", "b", "b", "c")
    at = seconds(within[0], 6)
    write(world, *(asked(at[place], f"SELECT {name}") for place, name in enumerate(names)))
    world.store._plans.clear()
    found = ask(world.admin, QUERIES, bounds(within))
    world.store._plans.clear()
    assert [row["query"] for row in found["rows"]] == ["SELECT a", "SELECT b"]
    assert (found["cut"], found["covered"], found["events_total"]) == (True, 5, 6)


def acted(at: datetime, user: str, kind: str = "web") -> Row:
    return event(at, user_id=user, client_kind=kind)


def test_people_of_seven_days_are_distinct_and_look_back(world: World) -> None:
    start = datetime(1999, 3, 1)
    days = {0: ("a", "b"), 2: ("a",), 6: ("c",), 9: ("a", "c"), 20: ("d",)}
    write(world, *(acted(start + number * DAY, one) for number, all in days.items() for one in all))
    since, until = start + 5 * DAY, start + 21 * DAY - timedelta(seconds=1)
    found = ask(world.admin, USAGE, {"since": iso(since), "until": iso(until)})
    assert found["unit"] == "day"
    buckets = found["buckets"]
    assert len(buckets) == 16
    for number, bucket in enumerate(buckets, start=5):
        seven = {one for day in range(number - 6, number + 1) for one in days.get(day, ())}
        assert bucket["people_7d"] == len(seven), number
        assert bucket["people"] == len(days.get(number, ()))
    assert found["people"] == 3
    assert found["people_7d"] == 1
    assert found["new_people"] == 2  # a was seen before the window
    assert [bucket["new_people"] for bucket in buckets if bucket["new_people"]] == [1, 1]


def test_machines_and_failed_sign_ins_are_no_people(world: World) -> None:
    within = window()
    write(
        world,
        acted(within[0], "job", "scheduler"),
        event(within[0], "auth.login_failed", user_id="who", client_kind="web"),
        event(within[0], user_id=None, client_kind="web"),
        acted(within[0], "person", "agent"),
    )
    found = ask(world.admin, USAGE, bounds(within))
    assert (found["people"], found["events"]) == (1, 1)
    assert found["kinds"] == [{"client_kind": "agent", "people": 1, "events": 1}]


def test_one_person_with_two_kinds_is_one(world: World) -> None:
    within = window()
    write(world, acted(within[0], "both", "web"), acted(within[0], "both", "cli"))
    found = ask(world.admin, USAGE, bounds(within))
    assert found["people"] == 1
    assert sum(kind["people"] for kind in found["kinds"]) == 2


@pytest.mark.parametrize(
    ("length", "unit"),
    [(timedelta(hours=3), "hour"), (DAY, "hour"), (7 * DAY, "day"), (200 * DAY, "week")],
)
def test_a_bucket_fits_the_window_and_says_where_it_is_a_part(
    world: World, length: timedelta, unit: str
) -> None:
    until = datetime(1998, 5, 6, 10, 30)
    asked = {"since": iso(until - length), "until": iso(until)}
    found = ask(world.admin, USAGE, asked)
    assert found["unit"] == unit
    assert len(found["buckets"]) <= 122
    assert found["buckets"][-1]["partial"] is True
    assert found["buckets"][1]["partial"] is False
    if unit == "week":
        first = datetime.fromisoformat(found["buckets"][0]["ts"].removesuffix("Z"))
        assert first.weekday() == 0


def test_a_very_long_window_has_few_buckets(world: World) -> None:
    found = ask(world.admin, USAGE, {"since": "1970-01-01", "until": "2026-01-01"})
    assert len(found["buckets"]) <= 202
    assert found["unit"].endswith("weeks")


def test_an_unknown_order_is_refused_and_one_of_the_timeline_is_not(world: World) -> None:
    for path in (QUERIES, PERFORMANCE):
        answer = world.admin.get(path, params={"sort": "biggest"})
        assert answer.status_code == 400
        assert "most, slowest, failing" in answer.json()["error"] + answer.json()["detail"]
        assert world.admin.get(path, params={"sort": "duration_ms:desc"}).status_code == 200


@pytest.mark.parametrize("name", ["queries", "performance", "usage"])
def test_each_read_is_written_once_with_its_filter(world: World, name: str) -> None:
    source = {"queries": "cli", "performance": "agent", "usage": "web"}[name]
    for _ in range(2):
        ask(world.admin, f"{OBSERVED}/{name}", {"source": source, "since_minutes": "77"})
    reads = {"action_in": "activity.read", "include_self_reads": "true", "limit": "200"}
    rows = ask(world.admin, ACTIVITY, {**reads, "q": f'"endpoint":"{name}"'})["rows"]
    said = [orjson.loads(row["params"]) for row in rows]
    wanted = {"endpoint": name, "source": source, "since_minutes": "77"}
    assert said.count(wanted) == 1


def test_who_holds_the_grant_reads_the_same_figures(world: World) -> None:
    within = window()
    write(world, asked(within[0], "SELECT 'secret'", user_id="somebody", client_kind="web"))
    group = world.admin.post("/api/admin/groups", json={"name": "readers"}).json()["id"]
    body: dict[str, Any] = {"group_id": group, "resource_type": "activity"}
    assert world.admin.post("/api/admin/grants", json=body).status_code == 201
    reader = world.user("reader@example.org")
    world.admin.post(f"/api/admin/groups/{group}/members", json={"user_id": reader})
    with world.client(world.token(reader)) as client:
        for path in (QUERIES, PERFORMANCE, USAGE):
            theirs, admins = (ask(who, path, bounds(within)) for who in (client, world.admin))
            assert theirs == admins
            assert "secret" not in str(theirs)
