"""Cards, facets, groups, series, pivot and exports of telemetry agree, whatever is asked, and with
a reckoning in plain Python."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import orjson
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.queries.telemetry import FACETS, GROUPS
from console.queries.telemetry_filter import COLUMNS, OUTCOMES
from tests.console.access_world import World
from tests.console.telemetry_place import BASE, Row, ask, bounds, event, window, write

EXAMPLES = max(10, settings().max_examples // 10)  # one example asks some thirty times
TOOLS = (None, "Bash", "none", "other", "mcp__a__x", "mcp__b_c__y", "mcp____", "100%", "=1", "🎉")
events = st.lists(
    st.fixed_dictionaries(
        {
            "minute": st.integers(0, 2 * 1440),
            "tool_name": st.sampled_from(TOOLS),
            "user_id": st.sampled_from((None, "u-1", "u-2")),
            "username": st.sampled_from((None, "ann", "it's")),
            "session_file": st.sampled_from(("u-1/a.jsonl", "u-1/b.jsonl")),
            "skill_name": st.sampled_from((None, "charts:bar", "SKILL")),
            "model": st.sampled_from((None, "large", "small")),
            "outcome": st.sampled_from((*OUTCOMES, None)),
            "agent_id": st.sampled_from((None, "a1")),
        }
    ),
    max_size=40,
)
filters = st.fixed_dictionaries(
    {},
    optional={
        "tool_name": st.sampled_from([name for name in TOOLS if name]),
        "mcp_server": st.sampled_from(("a", "b_c", "none")),
        "model": st.sampled_from(("large", "none", "any")),
        "outcome": st.sampled_from(("error", "ok", "none")),
        "only_errors": st.sampled_from(("true", "false")),
        "q": st.sampled_from(("bash", "%", "skill", "MCP__")),
        "user_id": st.sampled_from(("u-1", "none")),
    },
)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(tmp_path_factory.mktemp("telemetry")) as world:
        yield world


def server(row: Row) -> str | None:
    name = row["tool_name"] or ""
    return (name.split("__")[1] or None) if name.startswith("mcp__") else None


def matches(row: Row, asked: dict[str, str]) -> bool:
    """The filter, in plain Python."""
    row = {**row, "mcp_server": server(row)}
    for name, text in asked.items():
        if name == "only_errors":
            holds = text == "false" or row["outcome"] == "error"
        elif name == "q":
            names = (row["tool_name"], row["skill_name"])
            holds = any(text.lower() in (one or "").lower() for one in names)
        else:
            value = row[COLUMNS[name]]
            holds = {"none": value is None, "any": value is not None}.get(text, value == text)
        if not holds:
            return False
    return True


def export(world: World, params: dict[str, Any]) -> httpx.Response:
    answer = world.admin.get(f"{BASE}/export", params=params)
    assert answer.status_code == 200, answer.text
    return answer


@settings(max_examples=EXAMPLES)
@given(made=events, asked=filters)
def test_every_answer_counts_the_same_events(
    world: World, made: list[Row], asked: dict[str, str]
) -> None:
    within = window()
    rows = [
        event(within[0] + timedelta(minutes=row["minute"]), **row) | {"minute": None}
        for row in made
    ]
    write(world, [{k: v for k, v in row.items() if k != "minute"} for row in rows])
    params = {**bounds(within), **asked}
    wanted = [row for row in rows if matches(row, asked)]
    cards = ask(world, "kpis", params)
    count = len(wanted)
    errors = sum(row["outcome"] == "error" for row in wanted)
    assert (cards["events_total"], cards["errors"]) == (count, errors)
    assert cards["distinct_users"] == len({row["user_id"] for row in wanted} - {None})
    assert cards["sessions"] == len({row["session_file"] for row in wanted})
    assert 0 <= cards["error_low"] <= cards["error_rate"] + 1e-4
    assert cards["error_rate"] <= cards["error_high"] + 1e-4
    assert_facets(ask(world, "facets", params), count)
    assert_groups(world, params, wanted)
    series = ask(world, "series", {**params, "group_by": "tool", "top": 2})
    assert sum(one["total"] for one in series["buckets"]) == count
    assert all(one["total"] == sum(one["groups"].values()) for one in series["buckets"])
    assert_pivot(world, params, wanted)
    assert_exports(world, params, count)


def assert_facets(found: Row, count: int) -> None:
    for facet in FACETS:
        rest = found["other"][facet]["count"]
        assert sum(row["count"] for row in found[facet]) + rest == count, facet


def assert_groups(world: World, params: Row, wanted: list[Row]) -> None:
    for group in GROUPS:
        page = ask(world, "query", {**params, "group_by": group, "limit": 1000})
        assert sum(row["invocations"] for row in page["rows"]) == len(wanted), group
        assert page["total"] == len(page["rows"])
        for row in page["rows"]:
            apart = sum(row[name] for name in ("errors", "rejected", "denied", "interrupted"))
            assert apart + row["unresolved"] <= row["invocations"]
    tools = ask(world, "query", {**params, "group_by": "tool", "limit": 1000})["rows"]
    counted = Counter(row["tool_name"] for row in wanted)
    assert {row["bucket"]: row["invocations"] for row in tools} == counted
    raw = ask(world, "query", {**params, "limit": 1000})
    assert {row["id"] for row in raw["rows"]} == {row["id"] for row in wanted}
    assert raw["total"] == len(wanted)


def assert_pivot(world: World, params: Row, wanted: list[Row]) -> None:
    asked = {"rows": "username", "columns": "tool_name", "limit": 2, "columns_limit": 3}
    for measure in ("invocations", "errors"):
        found = ask(world, "pivot", {**params, **asked, "measure": measure})
        errors = [row for row in wanted if row["outcome"] == "error"]
        whole = len(wanted if measure == "invocations" else errors)
        assert found["grand_total"] == whole
        assert sum(row["total"] for row in found["rows"]) == whole
        assert sum(found["totals"].values()) == whole
        cells = [sum(row["cells"].values()) for row in found["rows"]]
        assert cells == [row["total"] for row in found["rows"]]
        assert found["rows_total"] == len({row["username"] for row in wanted})
        assert found["columns_total"] == len({row["tool_name"] for row in wanted})
        assert_pivot_is_exported(world, params, asked, found)


def assert_pivot_is_exported(world: World, params: Row, asked: Row, found: Row) -> None:
    """A file holds the rows, columns and totals that are shown, and no others."""
    sizes = {name: asked[name] for name in ("limit", "columns_limit")}
    pivot = ",".join((asked["rows"], asked["columns"], found["measure"]))
    content = export(world, {**params, **sizes, "format": "json", "pivot": pivot}).content
    *rows, last = map(orjson.loads, content.splitlines())
    assert [row["username"] for row in rows] == [row["label"] for row in found["rows"]]
    for row, shown in zip(rows, found["rows"], strict=True):
        cells = list(row.values())[1:-1]
        assert cells == [shown["cells"].get(column["key"]) for column in found["columns"]]
        assert row["total"] == shown["total"]
    assert last["total"] == found["grand_total"]


def assert_exports(world: World, params: Row, count: int) -> None:
    lines = export(world, {**params, "format": "json"}).content.splitlines()
    answer = export(world, {**params, "format": "csv"})
    assert int(answer.headers["X-Row-Count"]) == count == len(lines)
    assert len(list(csv.DictReader(io.StringIO(answer.text, newline="")))) == count
    table = pq.read_table(io.BytesIO(export(world, {**params, "format": "parquet"}).content))
    assert table.num_rows == count
    grouped = export(world, {**params, "format": "json", "group_by": "model"}).content
    shown = ask(world, "query", {**params, "group_by": "model"})["rows"]
    assert [orjson.loads(line) for line in grouped.splitlines()] == shown
    pivoted = export(world, {**params, "format": "json", "pivot": "day,tool"}).content
    assert orjson.loads(pivoted.splitlines()[-1])["total"] == count
