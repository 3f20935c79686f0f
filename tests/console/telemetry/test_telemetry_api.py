"""`/api/admin/telemetry`: intervals, order, neighbours, popularity, cost, bad input, rights."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from console.audit import new_id, now
from console.telemetry import wilson
from console.telemetry.cost import prices
from schema.errors import Unavailable
from schema.tables import (
    MARKETPLACE_ITEMS,
    RESOURCE_GRANTS,
    USAGE_MARKETPLACE_ITEM_DAILY,
    USAGE_MARKETPLACE_ITEM_WINDOW,
    USAGE_SESSION_SUMMARY,
    USER_GROUP_MEMBERS,
)
from schema.transaction import Rows
from tests.console.access_world import World
from tests.console.telemetry_place import BASE, ask, bounds, event, window, write

ENDPOINTS = ("kpis", "facets", "query", "series", "pivot", "people", "cost", "export")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(tmp_path_factory.mktemp("telemetry")) as world:
        yield world


@pytest.mark.parametrize(
    ("errors", "count", "low", "high"),
    [(0, 10, 0.0, 0.2775), (1, 1, 0.2065, 1.0), (5, 10, 0.2366, 0.7634), (40, 100, 0.3094, 0.498)],
)
def test_the_interval_is_wilsons(errors: int, count: int, low: float, high: float) -> None:
    assert wilson(errors, count) == pytest.approx((low, high), abs=1e-4)


def test_nothing_counted_leaves_every_rate_possible() -> None:
    assert wilson(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize("direction", ["asc", "desc"])
def test_one_failure_of_one_call_never_tops_an_order(world: World, direction: str) -> None:
    within = window()
    write(world, [event(within[0], tool_name="Once", outcome="error")])
    write(
        world,
        [
            event(within[0], tool_name="Often", outcome="error" if n < 3 else "ok")
            for n in range(30)
        ],
    )
    params = {**bounds(within), "group_by": "tool", "sort": f"error_rate:{direction}"}
    rows = ask(world, "query", params)["rows"]
    assert [row["bucket"] for row in rows] == ["Often", "Once"]
    assert [row["enough"] for row in rows] == [True, False]


def test_denied_rejected_and_interrupted_are_no_errors(world: World) -> None:
    within = window()
    outcomes = ("policy_denied", "user_rejected", "interrupted", "unresolved", "ok", "error")
    write(world, [event(within[0], outcome=outcome) for outcome in outcomes])
    cards = ask(world, "kpis", bounds(within))
    for name in ("errors", "denied", "rejected", "interrupted", "unresolved"):
        assert cards[name] == 1, name


def test_pages_of_groups_say_how_many_there_are_even_past_the_end(world: World) -> None:
    within = window()
    write(world, [event(within[0], tool_name=f"T{number}") for number in range(5)])
    params = {**bounds(within), "group_by": "tool_name", "sort": "bucket:asc", "limit": 2}
    first, past = (ask(world, "query", {**params, "offset": offset}) for offset in (2, 10))
    assert [row["bucket"] for row in first["rows"]] == ["T2", "T3"]
    assert (first["total"], first["next_offset"]) == (5, 4)
    assert (past["rows"], past["total"], past["next_offset"]) == ([], 5, None)


def test_neighbours_stay_within_a_session_and_an_agent(world: World) -> None:
    within = window()
    steps = [
        ("a", None, "Read", "ok"),
        ("a", None, "Bash", "error"),
        ("a", "helper", "Grep", "ok"),
        ("a", None, "Edit", "ok"),
        ("a", None, "Bash", "ok"),
        ("b", None, "Bash", "policy_denied"),
    ]
    write(
        world,
        [
            event(
                within[0] + timedelta(minutes=number),
                session_file=f"u/{session}.jsonl",
                agent_id=agent,
                tool_name=tool,
                outcome=outcome,
            )
            for number, (session, agent, tool, outcome) in enumerate(steps)
        ],
    )
    found = ask(world, "neighbours", {**bounds(within), "tool_name": "Bash"})
    assert found["calls"] == 3
    before = {row["tool_name"]: row for row in found["before"]}
    after = {row["tool_name"]: row["calls"] for row in found["after"]}
    assert before["Read"]["after_error"] == 1
    assert before["Edit"]["after_ok"] == 1
    assert before[None]["after_other"] == 1
    assert after == {"Edit": 1, None: 2}
    failed = ask(world, "neighbours", {**bounds(within), "tool_name": "Bash", "outcome": "error"})
    assert [row["tool_name"] for row in failed["after"]] == ["Edit"]


def test_neighbours_say_of_how_many_sessions_they_are(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    within = window()
    steps = ("Read", "Bash"), ("Grep", "Bash"), ("Edit", "Bash")
    write(
        world,
        [
            event(within[0] + timedelta(minutes=2 * a + b), session_file=f"u/{a}", tool_name=tool)
            for a, tools in enumerate(steps)
            for b, tool in enumerate(tools)
        ],
    )
    asked = {**bounds(within), "tool_name": "Bash"}
    whole = ask(world, "neighbours", asked)
    assert (whole["calls"], whole["calls_total"]) == (3, 3)
    monkeypatch.setattr("console.queries.telemetry_neighbours.SESSIONS", 2)
    latest = ask(world, "neighbours", asked)
    assert (latest["sessions"], latest["sessions_total"]) == (2, 3)
    assert (latest["calls"], latest["calls_total"]) == (2, 3)
    assert {row["tool_name"] for row in latest["before"]} == {"Edit", "Grep"}


def test_popularity_has_a_trend_only_over_enough_use_and_names_what_lies_unused(
    world: World,
) -> None:
    today = now().date()
    item = {"source": "curated", "type": "skill", "parent_plugin": "kit"}
    uses = {"much": (20, 10), "new": (5, 2)}
    window_rows, days, offered = [], [], []
    for name, (last, prior) in uses.items():
        figures = {**item, "name": name, "distinct_users": 1, "error_count": 0}
        total = {"period_label": "last_30d", "invocations": last + prior}
        window_rows.append({**figures, **total})
        for age, count in ((0, last), (7, prior)):
            days.append({**figures, "day": today - timedelta(days=age), "invocations": count})
    for name in (*uses, "idle"):
        row = {"id": new_id(), "source": "curated", "marketplace": "m", "plugin": "kit"}
        offered.append({**row, "type": "skill", "name": name, "imported_at": now()})
    world.store.write(
        Rows(USAGE_MARKETPLACE_ITEM_WINDOW, window_rows),
        Rows(USAGE_MARKETPLACE_ITEM_DAILY, days),
        Rows(MARKETPLACE_ITEMS, offered),
    ).result()
    found = ask(world, "popularity", {"kind": "skills"})
    trends = {row["name"]: row["trend_pct"] for row in found["rows"]}
    assert trends == {"much": 100.0, "new": None}
    assert [row["name"] for row in found["unused"]] == ["idle"]
    trending = ask(world, "popularity", {"kind": "skills", "sort": "trending"})
    assert [row["name"] for row in trending["rows"]] == ["much"]


def test_cost_names_unknown_models_and_never_guesses(world: World) -> None:
    within = window()
    models = ("claude-haiku-4-5-20251001", "claude-haiku-4-5x", "<synthetic>")
    world.store.write(
        Rows(
            USAGE_SESSION_SUMMARY,
            [
                {
                    "session_file": f"cost/{number}.jsonl",
                    "started_at": within[0],
                    "primary_model": model,
                    "input_tokens": 0 if "<" in model else 1_000_000,
                    "output_tokens": 0 if "<" in model else 2_000_000,
                    "cache_read_tokens": 0,
                    "cache_creation_tokens": 0,
                }
                for number, model in enumerate(models)
            ],
        )
    ).result()
    found = ask(world, "cost", bounds(within))
    assert found["total"] == pytest.approx(11.0)
    assert found["unknown_models"] == ["claude-haiku-4-5x"]
    assert {row["model"]: row["known"] for row in found["rows"]} == dict(
        zip(models, (True, False, False), strict=True)
    )
    assert found["prices_as_of"] == prices("").as_of.isoformat()


@pytest.mark.parametrize(
    "text", ["", "as_of = 1\n", "as_of = 2026-01-01\ncurrency='E'\n[models]\na=1"]
)
def test_prices_that_cannot_be_read_are_said_so(tmp_path: Path, text: str) -> None:
    file = tmp_path / "prices.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(Unavailable, match="AGNES_PRICES"):
        prices(str(file))


def test_people_are_counted_once_over_days(world: World) -> None:
    within = window()
    write(
        world,
        [
            event(within[0] + timedelta(days=day), user_id=user)
            for day, user in ((0, "p-1"), (1, "p-1"), (1, "p-2"))
        ],
    )
    found = ask(world, "people", bounds(within))
    assert [row["users"] for row in found["dau_series"]] == [1, 2, 0]
    assert (found["users"], found["wau"], found["dau_avg"]) == (2, 2, 1.0)


@pytest.mark.parametrize("span", ["7d", "30d", "all"])
def test_the_summary_of_each_window(world: World, span: str) -> None:
    found = ask(world, "summary", {"window": span})
    assert found["window"] == span
    assert len(found["dau_series"]) == 30
    keys = ("top_tools", "top_users", "error_rate", "dau_avg", "slow_actions", "query_telemetry")
    assert all(key in found for key in keys)


BAD: list[tuple[str, dict[str, Any], str]] = [
    *((path, {"since_minutes": "0"}, "since_minutes") for path in ENDPOINTS),
    *((path, {"outcome": "fine"}, "outcome") for path in ENDPOINTS),
    *((path, {"only_errors": "2"}, "only_errors") for path in ENDPOINTS),
    *((path, {"q": "x" * 600}, "q") for path in ENDPOINTS),
    *((path, {"colour": "red"}, "colour") for path in (*ENDPOINTS, "neighbours", "popularity")),
    ("query", {"group_by": "cwd"}, "group_by"),
    ("query", {"group_by": "tool", "sort": "occurred_at"}, "sort"),
    ("query", {"sort": "errors:desc"}, "sort"),
    ("query", {"limit": "1001"}, "limit"),
    ("query", {"offset": "-1"}, "offset"),
    ("series", {"top": "0"}, "top"),
    ("pivot", {"rows": "x"}, "rows"),
    ("pivot", {"columns": "x"}, "columns"),
    ("pivot", {"measure": "x"}, "measure"),
    ("pivot", {"limit": "0"}, "limit"),
    ("neighbours", {}, "tool_name"),
    ("popularity", {"kind": "x"}, "kind"),
    ("popularity", {"sort": "x"}, "sort"),
    ("summary", {"window": "1d"}, "window"),
    ("export", {"format": "xml"}, "format"),
    ("export", {"pivot": "day"}, "pivot"),
    ("export", {"pivot": "day,tool,errors,more"}, "pivot"),
    ("export", {"pivot": "day,tool", "group_by": "day"}, "pivot"),
    ("export", {"pivot": "day,tool", "limit": "0"}, "limit"),
    ("export", {"pivot": "day,tool", "sort": "occurred_at:asc"}, "sort"),
    ("export", {"limit": "5"}, "limit"),
]


@pytest.mark.parametrize(("path", "params", "named"), BAD)
def test_what_cannot_be_asked_is_named(
    world: World, path: str, params: dict[str, Any], named: str
) -> None:
    answer = world.admin.get(f"{BASE}/{path}", params=params)
    assert answer.status_code == 400
    assert named in answer.json()["error"]


def test_the_grant_opens_all_and_without_it_nothing(world: World) -> None:
    within = window()
    write(world, [event(within[0], user_id="somebody")])
    user = world.user()
    group = new_id()
    with world.client(world.token(user)) as client:
        assert client.get(f"{BASE}/kpis", params=bounds(within)).status_code == 403
    grant = {"id": new_id(), "group_id": group, "resource_type": "telemetry", "created_at": now()}
    member = {"group_id": group, "user_id": user, "added_at": now()}
    member = {name: member[name] for name in USER_GROUP_MEMBERS.columns if name in member}
    grant = {name: grant[name] for name in RESOURCE_GRANTS.columns if name in grant}
    world.store.write(Rows(RESOURCE_GRANTS, [grant]), Rows(USER_GROUP_MEMBERS, [member])).result()
    with world.client(world.token(user)) as client:
        answer = client.get(f"{BASE}/kpis", params=bounds(within))
    assert answer.json()["events_total"] == 1


def test_an_export_leaves_a_row_with_its_count(world: World) -> None:
    within = window()
    write(world, [event(within[0]), event(within[0])])
    world.admin.get(f"{BASE}/export", params={**bounds(within), "format": "json"})
    params = world.last("usage.export")["params"]
    assert (params["row_count"], params["format"]) == (2, "json")
