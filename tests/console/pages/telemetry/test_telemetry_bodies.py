"""What stands under Users, Performance, Queries and Cost, the pivot, neighbours and popularity:
their figures are those of a reckoning in plain Python, and their links ask for what they say."""

from __future__ import annotations

import asyncio
import csv
import io
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.audit import Caller, new_id, now
from console.pages.telemetry import (
    TelemetryPage,
    cards,
    cost,
    neighbours,
    performance,
    pivot,
    popularity,
    queries,
    users,
)
from console.pages.telemetry.words import GROUPS
from console.queries.telemetry_popularity import KINDS
from console.telemetry import pivot as telemetry_pivot
from console.telemetry.popularity import SORTS
from schema.errors import BadParameter
from schema.policy import Principal
from schema.tables import (
    MARKETPLACE_ITEMS,
    USAGE_MARKETPLACE_ITEM_DAILY,
    USAGE_MARKETPLACE_ITEM_WINDOW,
    USAGE_SESSION_SUMMARY,
)
from schema.transaction import Rows
from tests.console import audit_log
from tests.console.access_world import World
from tests.console.pages.telemetry.telemetry_reading import asks, reading
from tests.console.telemetry_place import bounds, event, window, write

EXAMPLES = max(8, settings().max_examples // 12)  # one example asks some fifty times
TELEMETRY_ONLY = Principal("u-7", surfaces=frozenset(("telemetry",)))
rows = st.lists(
    st.fixed_dictionaries(
        {
            "minute": st.integers(0, 2 * 1440 - 1),
            "tool_name": st.sampled_from((None, "Bash", "Read", "mcp__a__x", "<b>")),
            "user_id": st.sampled_from((None, "u-1", "u-2")),
            "session_file": st.sampled_from(("u-1/a.jsonl", "u-2/b.jsonl")),
            "model": st.sampled_from((None, "large")),
            "outcome": st.sampled_from(("ok", "error", "policy_denied")),
        }
    ),
    min_size=1,
    max_size=40,
)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(tmp_path_factory.mktemp("telemetry-bodies")) as world:
        yield world


def made(world: World, *some: dict[str, Any]) -> dict[str, str]:
    """The window of these events, of which `minute` is the place."""
    within = window()
    places = (within[0] + timedelta(minutes=row.get("minute", 1)) for row in some)
    columns = ({name: row[name] for name in row if name != "minute"} for row in some)
    write(world, [event(at, **row) for at, row in zip(places, columns, strict=True)])
    return bounds(within)


@settings(max_examples=EXAMPLES)
@given(
    some=rows,
    by=st.tuples(*[st.sampled_from(("user", "tool", "model", "mcp_server", "outcome", "day"))] * 2),
    measure=st.sampled_from(list(pivot.MEASURES)),
)
def test_a_cell_of_the_pivot_leads_to_its_calls_and_the_export_holds_what_is_shown(
    world: World, some: list[dict[str, Any]], by: tuple[str, str], measure: str
) -> None:
    span = made(world, *some)
    shape = {"tab": "users", "rows": by[0], "columns": by[1], "measure": measure}
    found = pivot.read(reading(world, {**span, **shape}))
    counts = [cell.count for _, cells, _ in found["lines"] for cell in cells if cell]
    assert sum(count.calls for count in counts) == len(some) == found["whole"].count.calls
    assert sum(count.errors for count in counts) == found["whole"].count.errors
    for _, cells, total in found["lines"]:
        assert sum(cell.count.calls for cell in cells if cell) == total.count.calls
        for cell in filter(None, cells):
            narrowed = cards.read(reading(world, asks(cell.url)))
            if by[0] != by[1]:
                assert narrowed["events_total"] == cell.count.calls
                assert narrowed["errors"] == cell.count.errors
    url = dict(found["exports"])["csv"]
    lines = list(csv.reader(io.StringIO(world.admin.get(url).raise_for_status().text)))
    shown = [[cell and cell.value for cell in cells] for _, cells, _ in found["lines"]]
    file = [[float(text) if text else None for text in line[1:-1]] for line in lines[1:-1]]
    assert file == shown
    assert [float(line[-1]) for line in lines[1:]] == [
        *(total.value for _, _, total in found["lines"]),
        found["whole"].value,
    ]


def test_a_large_pivot_sums_what_it_does_not_name_until_it_is_asked_to(world: World) -> None:
    tools = [f"tool-{number}" for number in range(14)]
    some = [{"tool_name": name, "user_id": f"p-{n}"} for name in tools for n in range(23)]
    span = made(world, *some)
    found = pivot.read(reading(world, {**span, "tab": "users"}))
    assert [head.name for head in found["heads"]][-1] == "other"
    assert (len(found["lines"]), len(found["heads"]), found["cut"]) == (21, 11, True)
    assert (found["table"].rows_total, found["table"].columns_total) == (23, 14)
    assert found["whole"].count.calls == len(some)
    assert found["heads"][-1].url is None, "several tools are no filter"
    assert found["all"] == (23, 14)
    text = world.admin.get(dict(found["all_exports"])["csv"]).raise_for_status().text
    assert [len(line) for line in csv.reader(io.StringIO(text))] == [1 + 14 + 1] * (1 + 23 + 1)
    whole = pivot.read(reading(world, {**span, "tab": "users", "size": "more"}))
    assert (len(whole["lines"]), len(whole["heads"]), whole["cut"]) == (23, 14, False)


def test_days_stand_in_their_order_and_the_rest_behind_them(world: World) -> None:
    first, second = window(), window()
    for within, calls in ((first, 1), (second, 3)):
        write(world, [event(within[0] + timedelta(days=day)) for day in range(2)])
        write(world, [event(within[1]) for _ in range(calls)])
    span = {"since": bounds(first)["since"], "until": bounds(second)["until"]}
    asked = {**span, "tab": "users", "rows": "tool", "columns": "day"}
    heads = [head.name for head in pivot.read(reading(world, asked))["heads"]]
    assert heads == sorted(heads)
    assert len(heads) == 6
    here = reading(world, asked)
    found = telemetry_pivot.counted(here.reader, here.filter, "day", "tool", limit=2)
    assert (sorted(found.rows[:2]), found.rows[2]) == (found.rows[:2], "other")


def test_a_rate_of_few_calls_has_no_colour(world: World) -> None:
    many = [{"user_id": "u-1", "outcome": "error" if n < 4 else "ok"} for n in range(20)]
    few = [{"user_id": "u-2", "outcome": "error"}]
    asked = {"tab": "users", "measure": "error_rate"}
    found = pivot.read(reading(world, {**made(world, *many, *few), **asked}))
    (often,), (once,) = (cells for _, cells, _ in found["lines"])
    assert (often.value, often.faint, often.shade) == (0.2, False, 70)
    assert (once.value, once.faint, once.shade) == (1.0, True, 0)


@settings(max_examples=EXAMPLES)
@given(some=rows, sort=st.sampled_from([key for key, _, _ in users.COLUMNS]))
def test_people_are_counted_as_they_called(
    world: World, some: list[dict[str, Any]], sort: str
) -> None:
    span = made(world, *some)
    found = users.read(reading(world, {**span, "tab": "users", "sort": f"{sort}:desc"}))
    calls = Counter(row["user_id"] for row in some)
    tools = {
        user: len({row["tool_name"] for row in some if row["user_id"] == user} - {None})
        for user in calls
    }
    shown = found["list"]["rows"]
    assert {row["bucket"]: row["invocations"] for row in shown} == calls
    assert {row["bucket"]: row["distinct_tools"] for row in shown} == tools
    assert found["users"] == len(calls.keys() - {None})
    if sort not in ("error_rate",):
        order = [row[sort] for row in shown]
        assert order == sorted(order, reverse=True)
    for row in shown:
        theirs = cards.read(reading(world, asks(row["url"])))
        assert theirs["events_total"] == row["invocations"]
        failed = cards.read(reading(world, asks(row["failed"])))
        assert failed["events_total"] == failed["errors"] == row["errors"]


def test_a_page_of_people_goes_on_where_the_one_before_ended(world: World) -> None:
    span = made(world, *({"user_id": f"p-{number:02}"} for number in range(45)))
    url, seen = {**span, "tab": "users", "sort": "bucket:asc"}, []
    for size in (20, 20, 5):
        found = users.read(reading(world, url))
        assert (len(found["list"]["rows"]), found["list"]["total"]) == (size, 45)
        seen += [row["bucket"] for row in found["list"]["rows"]]
        url = asks(found["links"].get("next", ""))
    assert seen == [f"p-{number:02}" for number in range(45)]
    assert "next" not in found["links"]


def test_a_day_of_the_chart_leads_to_it(world: World) -> None:
    later = {"minute": 1500, "user_id": "u-2"}, {"minute": 1501}
    span = made(world, {"minute": 0, "user_id": "u-1"}, *later)
    found = users.read(reading(world, {**span, "tab": "users"}))
    counts = [
        (day["users"], cards.read(reading(world, asks(day["only"])))["events_total"])
        for day in found["days"]
    ]
    assert counts == [(0, 0), (1, 2), (1, 1)]
    assert users.read(reading(world, {**bounds(window()), "tab": "users"}))["mark"] is None


def test_neighbours_stand_beside_a_chosen_tool_alone(world: World) -> None:
    steps = ["Read", "Bash", "Edit", "Bash", "Read", "Bash", "Edit"]
    ends = ["ok", "error", "ok", "ok", "ok", "error", "ok"]
    span = made(
        world,
        *(
            {"minute": number, "tool_name": name, "outcome": end}
            for number, (name, end) in enumerate(zip(steps, ends, strict=True))
        ),
    )
    found = neighbours.read(reading(world, {**span, "tool_name": "Bash"}))
    assert found is not None
    assert (found["calls"], found["failed"], found["went_well"]) == (3, 2, 1)
    assert (found["said"]["tool_name"], found["said"]["after_error"]) == ("Edit", 2)
    sides = {side: [row["tool_name"] for row in one["rows"]] for side, one in found["sides"]}
    assert sides == {"before": ["Read", "Edit"], "after": ["Edit", "Read"]}
    beside = found["sides"][0][1]["rows"][0]
    assert asks(beside["url"]) == {**span, "tool_name": "Read"}
    assert neighbours.read(reading(world, span)) is None
    assert neighbours.read(reading(world, {**span, "tool_name": "none"})) is None
    assert neighbours.read(reading(world, {**span, "tool_name": "Bash", "tab": "users"})) is None


def test_popularity_is_of_the_last_30_days_and_names_what_lies_unused(world: World) -> None:
    today = now()
    write(
        world,
        [
            event(today - timedelta(days=age, minutes=1), tool_name=name, user_id=f"u-{age}")
            for name, ages in {"Old": (9, 10, 11, 1), "Fresh": (0, 1), "Often": (20,) * 9}.items()
            for age in ages
        ],
    )
    items = [
        {"id": new_id(), "source": "curated", "marketplace": "m", "plugin": plugin, "type": "skill"}
        | {"name": name, "imported_at": today}
        for plugin, name in (("kit", "idle"), ("box", "still"), ("kit", "asleep"))
    ]
    world.store.write(Rows(MARKETPLACE_ITEMS, items)).result()
    # Whatever window the page shows: here one in which nothing was called.
    span = bounds(window())
    found = popularity.read(reading(world, span))
    assert found is not None
    shown = {row["name"]: row for row in found["rows"]}
    calls = {name: shown[name]["invocations_30d"] for name in ("Old", "Fresh", "Often")}
    assert calls == {"Old": 4, "Fresh": 2, "Often": 9}
    assert (shown["Fresh"]["is_new"], shown["Old"]["is_new"]) == (True, False)
    assert shown["Old"]["trend_pct"] == pytest.approx(-66.7)
    assert asks(shown["Old"]["url"]) == {**span, "tool_name": "Old"}
    trending = popularity.read(reading(world, {**span, "popular": "trending"}))
    assert trending is not None
    assert [row["name"] for row in trending["rows"]] == ["Old"]
    skills = popularity.read(reading(world, {**span, "tab": "skills"}))
    assert skills is not None
    assert [(plugin, [item["name"] for item in some]) for plugin, some in skills["unused"]] == [
        ("box", ["still"]),
        ("kit", ["asleep", "idle"]),
    ]
    assert (skills["unused_total"], skills["offered"]) == (3, 3)
    assert popularity.read(reading(world, {**span, "tab": "cost"})) is None


def test_a_popular_one_leads_to_its_calls(world: World) -> None:
    today = now().date()
    market = {"source": "curated", "parent_plugin": "pack"}
    figures = {"invocations": 3, "distinct_users": 1, "error_count": 0}
    names = (("skill", "pack", "draw"), ("command", "pack", "go"), ("plugin", "", "pack"))
    items = [
        {**figures, **market, "type": type, "parent_plugin": plugin, "name": name}
        for type, plugin, name in names
    ]
    world.store.write(
        Rows(USAGE_MARKETPLACE_ITEM_WINDOW, [{**one, "period_label": "last_30d"} for one in items]),
        Rows(USAGE_MARKETPLACE_ITEM_DAILY, [{**one, "day": today} for one in items]),
    ).result()
    span = made(
        world,
        {"skill_name": "pack:draw", "ref_id": "pack", "source": "curated"},
        {"command_name": "pack:go", "ref_id": "pack", "event_type": "slash_command"},
        {"tool_name": "Bash"},
    )
    counts = {}
    for kind in ("skills", "commands", "plugins"):
        asked = {} if kind == "skills" else {"kind": kind}
        found = popularity.read(reading(world, {**span, "tab": "skills", **asked}))
        assert found is not None
        (row,) = (one for one in found["rows"] if one["source"] == "curated")
        counts[row["called"]] = cards.read(reading(world, asks(row["url"])))["events_total"]
    assert counts == {"pack:draw": 1, "pack:go": 1, "pack": 2}


def test_every_order_and_kind_of_popularity_can_be_chosen() -> None:
    assert set(popularity.ORDERS) == set(SORTS)
    assert {kind for kinds in popularity.KINDS.values() for kind in kinds} == set(KINDS)


def test_the_sum_says_of_how_many_tokens_it_is(world: World) -> None:
    within = window()
    models = {"claude-haiku-4-5": 3_000_000, "unheard-of": 1_000_000, None: 0}
    sessions = [
        {"session_file": f"u-1/cost-{model}.jsonl", "user_id": "u-1", "started_at": within[0]}
        | {"primary_model": model, "input_tokens": tokens, "output_tokens": 0}
        | {"cache_read_tokens": 0, "cache_creation_tokens": 0}
        for model, tokens in models.items()
    ]
    world.store.write(Rows(USAGE_SESSION_SUMMARY, sessions)).result()
    span = bounds(within)
    found = cost.read(reading(world, {**span, "tab": "cost"}))
    assert (found["tokens"], found["tokens_priced"]) == (4_000_000, 3_000_000)
    assert found["total"] == pytest.approx(3.0)
    assert found["unknown_models"] == ["unheard-of"]
    assert found["sums"]["input_tokens"] == found["tokens"]
    named = {row["name"]: row for row in found["rows"]}
    only = cost.read(reading(world, asks(named["unheard-of"]["url"])))
    assert [row["name"] for row in only["rows"]] == ["unheard-of"]
    assert cost.read(reading(world, {**span, "tab": "cost", "tool_name": "Bash"}))["whole"]
    assert not only["whole"]


def test_durations_and_queries_are_those_of_the_log(world: World) -> None:
    within = audit_log.window()
    sql = orjson.dumps({"sql_preview": "SELECT a FROM orders WHERE b = 'x'"}).decode()
    audit_log.write(
        world,
        *(
            audit_log.event(
                within[0] + timedelta(minutes=number),
                ("query.local", "catalog.list")[number % 2],
                user_id=("u-7", "u-8")[number // 2 % 2],
                duration_ms=10 * number,
                params=None if number % 2 else sql,
            )
            for number in range(12)
        ),
    )
    span = audit_log.bounds(within)
    here = reading(world, {**span, "tab": "performance", "tool_name": "Bash"})
    found = performance.read(here)
    assert {row["action"]: row["count"] for row in found["actions"]} == {
        "query.local": 6,
        "catalog.list": 6,
    }
    assert (found["log"].whole, dict(found["log"].left_out)) == (True, {"tool_name": "Bash"})
    one = performance.read(reading(world, {**span, "tab": "performance", "user_id": "u-8"}))
    assert one["events_total"] == 6
    assert found["page"].startswith("/admin/activity?")
    anybody = performance.read(reading(world, {**span, "tab": "performance", "user_id": "any"}))
    assert (anybody["events_total"], dict(anybody["log"].left_out)) == (12, {"user_id": "any"})
    asked = queries.read(reading(world, {**span, "tab": "queries"}))
    assert [(row["query"], row["count"]) for row in asked["rows"]] == [
        ("SELECT a FROM orders WHERE b = ?", 6)
    ]
    # Who holds the grant of the telemetry sees of the log what is their own.
    own = performance.read(reading(world, {**span, "tab": "performance"}, TELEMETRY_ONLY))
    assert (own["events_total"], own["log"].whole) == (6, False)
    assert own["page"].startswith("/me?")
    assert queries.read(reading(world, {**span, "tab": "queries"}, TELEMETRY_ONLY))["texts"] == 1


def test_a_list_of_the_log_finds_what_its_row_counts(world: World) -> None:
    within = audit_log.window()
    names = ("sync.table", "sync.table_all", "query.local")
    audit_log.write(world, *(audit_log.event(within[0], name, duration_ms=1) for name in names))
    here = reading(world, {**audit_log.bounds(within), "tab": "performance"})
    for row in performance.read(here)["actions"]:
        listed = world.admin.get(audit_log.ACTIVITY, params=asks(row["listed"]))
        actions = [one["action"] for one in listed.raise_for_status().json()["rows"]]
        assert actions == [row["action"]] * row["count"]


def test_a_long_window_reads_the_log_over_its_last_month(world: World) -> None:
    here = reading(world, {"since_minutes": "129600", "tab": "performance"})
    log = performance.read(here)["log"]
    assert log.shortened
    assert log.filter.until - log.filter.since == timedelta(days=30)


def test_names_are_text_in_what_comes_after_the_first_paint(world: World) -> None:
    evil = '<img src=x onerror="alert(1)">{{ 7*7 }}'
    span = made(
        world,
        *({"minute": n, "tool_name": evil, "outcome": ("ok", "error")[n % 2]} for n in range(4)),
    )
    write(world, [event(now() - timedelta(minutes=1), tool_name=evil)])
    caller = Caller(Principal(world.admin_id, is_admin=True))
    asked = urlencode({**span, "tool_name": evil})
    shown = asyncio.run(TelemetryPage().show(world.instance, caller, asked, beat=True))
    for region in ("neighbours", "popularity"):
        assert "&lt;img src=x" in shown[region]
        assert "<img" not in shown[region]
        assert ">49<" not in shown[region]


@pytest.mark.parametrize(
    ("read", "asked", "said"),
    [
        (pivot.read, {"rows": "zzz"}, "rows"),
        (pivot.read, {"columns": "username"}, "columns"),
        (pivot.read, {"measure": "zzz"}, "measure"),
        (pivot.read, {"size": "zzz"}, "size"),
        (users.read, {"sort": "zzz:asc"}, "sort"),
        (users.read, {"sort": "invocations:up"}, "sort"),
        (popularity.read, {"popular": "zzz"}, "popular"),
        (popularity.read, {"kind": "commands"}, "kind"),
        (performance.read, {"sort": "zzz"}, "sort"),
    ],
)
def test_what_cannot_be_asked_is_named(
    world: World, read: Any, asked: dict[str, str], said: str
) -> None:
    with pytest.raises(BadParameter, match=said):
        read(reading(world, asked))


def test_a_pivot_can_be_of_everything_the_table_groups_by(world: World) -> None:
    span = made(world, {"tool_name": "Bash"})
    for by in GROUPS:
        found = pivot.read(reading(world, {**span, "tab": "users", "rows": by, "columns": by}))
        assert found["whole"].count.calls == 1
