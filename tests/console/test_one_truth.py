"""One filter, one truth: facets, cards, histogram, export and paging agree about every log,
whatever is asked of it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import httpx
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.queries.audit import FACETS as FACET_COLUMNS
from console.queries.audit import SORTS
from console.queries.vocabulary import RESULT_CLASSES, SOURCES
from tests.console.access_world import World
from tests.console.audit_log import (
    EXPORT,
    FACETS,
    HISTOGRAM,
    KPIS,
    Row,
    ask,
    bounds,
    event,
    iso,
    paged,
    window,
    write,
)

EXAMPLES = max(20, settings().max_examples // 3)  # one example asks some twenty times
TEXTS = ("plain", "100%", "a_b", "it's", 'say "hi"', "back\\slash", "🎉 ünï", "=1+1", "line\nbreak")
USERS = (None, "u-1", "u-2", "u-3")
ACTIONS = (
    "user.create",
    "sync.table",
    "run_job:rollups",
    "marketplace.sync_all",
    "activity.read",
    "feedback.read",
    "auth.login_failed",
    "a%b_c",
)
RESULTS = (
    *("success", "ok", "error", "error.timeout", "denied", "blocked", "invalid_password"),
    *("deactivated", "skipped", "strange", "", None),
)
RESOURCES = (None, "", "none", "table:a%b", "table:a_b", "user:it's", 'x"y', "🎉")
KINDS = (None, "", "web", "cli", "agent", "external", "scheduler")
CORRELATIONS = (None, "run-1", "run-2")
# Few moments, so that many rows share one; fractions, because second steps may be rounded.
MOMENTS = (0, 0.000001, 59.5, 59.999999, 60, 1799.7, 3599.5, 3599.999999, 3600)

params = st.none() | st.sampled_from(TEXTS).map(lambda text: orjson.dumps({"note": text}).decode())
logs = st.lists(
    st.fixed_dictionaries(
        {
            "moment": st.sampled_from(MOMENTS),
            "action": st.sampled_from(ACTIONS),
            "user_id": st.sampled_from(USERS),
            "resource": st.sampled_from(RESOURCES),
            "params": params,
            "result": st.sampled_from(RESULTS),
            "duration_ms": st.none() | st.integers(0, 10**9),
            "client_kind": st.sampled_from(KINDS),
            "client_ip": st.sampled_from([None, "10.0.0.1", "::1"]),
            "correlation_id": st.sampled_from(CORRELATIONS),
        }
    ),
    max_size=14,
)

people = st.sampled_from(["u-1", "u-2", "none", "nobody"])
action = st.sampled_from(["user.", "sync", "run_", "a%", "a%b_c", "activity.read", "zzz"])
resource = st.sampled_from(["none", "table:", "table:a%b", "user:it's", "🎉", 'x"y'])
classes, sources = st.sampled_from(RESULT_CLASSES), st.sampled_from(SOURCES)
kinds = st.sampled_from(["web", "cli", "agent", "external", "scheduler", "none"])
found = st.sampled_from([*TEXTS, "%", "_", "NOTE", "ünÏ", "\\", "'"])
flags = st.sampled_from(["true", "false", "1", "0"])


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


word = st.one_of(
    st.builds("action:{}".format, action),
    st.builds("resource:{}".format, resource.map(quoted)),
    st.builds("result:{}".format, st.sampled_from([*RESULT_CLASSES, "error.t", "strange"])),
    st.builds("source:{}".format, sources),
    st.builds("user:{}".format, people),
    st.builds("kind:{}".format, kinds),
    st.builds("correlation:{}".format, st.sampled_from(["run-1", "none"])),
    found.map(quoted),
)
typed = st.lists(st.builds("{}{}".format, st.sampled_from(["", "-"]), word), max_size=4)

filters = st.fixed_dictionaries(
    {},
    optional={
        "user_id": people,
        "user_id_not": people,
        "action_prefix": action,
        "action_prefix_not": action,
        "action_in": st.lists(st.sampled_from(ACTIONS), min_size=1, max_size=3).map(",".join),
        "resource": resource,
        "resource_prefix": resource,
        "resource_prefix_not": resource,
        "result_pattern": st.sampled_from(["err%", "%e_", "%", "_%", "ok", "100%%", "(a+)+$"]),
        "result_class": classes,
        "result_class_not": classes,
        "source": sources,
        "source_not": sources,
        "client_kind": kinds,
        "client_kind_not": kinds,
        "correlation_id": st.sampled_from(["run-1", "run-2", "none"]),
        "q": found,
        "query": typed.map(" ".join),
        "include_self_reads": flags,
    },
)
# Most filters above are narrow; a log read through many at once is empty.
chosen = st.one_of(
    filters.map(lambda given: dict(list(given.items())[:1])),
    filters.map(lambda given: dict(list(given.items())[-2:])),
    filters,
)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(tmp_path_factory.mktemp("truth")) as world:
        yield world


def exported(client: httpx.Client, format: str, asked: dict[str, str]) -> list[Row]:
    answer = client.get(EXPORT, params={**asked, "format": format})
    assert answer.status_code == 200, answer.text
    if format == "csv":
        rows: list[Row] = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    elif format == "json":
        rows = [orjson.loads(line) for line in answer.content.splitlines()]
    else:
        rows = pq.read_table(pa.BufferReader(answer.content)).to_pylist()
    assert int(answer.headers["X-Row-Count"]) == len(rows)
    return rows


def agree(client: httpx.Client, asked: dict[str, str], *, limit: int, sort: str) -> list[str]:
    """Ask everybody; the ids of the rows, newest first."""
    total = ask(client, KPIS, asked)["events_total"]
    facets = ask(client, FACETS, asked)
    for facet in FACET_COLUMNS:
        counted = sum(value["count"] for value in facets[facet])
        assert counted + facets["other"][facet]["count"] == total, facet
    buckets = ask(client, HISTOGRAM, asked)["buckets"]
    assert sum(bucket["total"] for bucket in buckets) == total
    rows = paged(client, asked, limit=limit)
    ids = [row["id"] for row in rows]
    assert len(ids) == len(set(ids)) == total
    assert ids == [row["id"] for row in sorted(rows, key=_newest_first, reverse=True)]
    for format in ("csv", "json", "parquet"):
        assert [row["id"] for row in exported(client, format, asked)] == ids, format
    by_other = paged(client, {**asked, "sort": sort}, limit=limit)
    assert sorted(row["id"] for row in by_other) == sorted(ids)
    column = sort.partition(":")[0]
    # As moments: of two texts the one with a fraction of a second may come first.
    read = datetime.fromisoformat if column == "timestamp" else lambda value: value
    assert in_order([read(row[column]) for row in by_other], sort.endswith("desc"))
    return ids


def _newest_first(row: Row) -> tuple[datetime, str]:
    return datetime.fromisoformat(row["timestamp"]), row["id"]


def in_order(values: list[Any], descending: bool) -> bool:  # noqa: FBT001 (a predicate's own word)
    known = [value for value in values if value is not None]
    if any(value is None for value in values[: len(known)]):
        return False  # rows without a value come last, whatever the direction
    if known and isinstance(known[0], str):
        known = [value.encode() for value in known]
    return known == sorted(known, reverse=descending)


@settings(max_examples=EXAMPLES)
@given(logs, chosen, st.integers(1, 6), st.sampled_from(SORTS), st.sampled_from(["asc", "desc"]))
def test_every_view_of_a_log_counts_the_same_rows(
    world: World, log: list[Row], asked: dict[str, str], limit: int, column: str, direction: str
) -> None:
    within = window()
    rows = [
        event(within[0] + timedelta(seconds=moment), **columns)
        for moment, columns in (
            (row["moment"], {name: row[name] for name in row if name != "moment"}) for row in log
        )
    ]
    write(world, *rows)
    ids = agree(world.admin, {**asked, **bounds(within)}, limit=limit, sort=f"{column}:{direction}")
    assert set(ids) <= {row["id"] for row in rows}
    if not asked:
        reads = {row["id"] for row in rows if row["action"].endswith(".read")}
        assert set(ids) == {row["id"] for row in rows} - reads


@pytest.mark.parametrize("window_asked", ["since_minutes", "typed"])
def test_windows_that_are_asked_for_in_other_words_agree_too(
    world: World, window_asked: str
) -> None:
    within = window()
    rows = write(world, *(event(within[0] + timedelta(minutes=number)) for number in range(60)))
    asked = {"until": iso(within[1]), "since_minutes": "30"}
    if window_asked == "typed":
        middle = within[0] + timedelta(minutes=30)
        asked = {"query": f"since:{iso(middle)} until:{iso(within[1])}"}
    ids = agree(world.admin, asked, limit=7, sort="action:asc")
    assert set(ids) == {row["id"] for row in rows[30:]}


def test_more_values_than_a_facet_shows_are_summed_in_other(world: World) -> None:
    within = window()
    rows = [
        event(
            within[0] + timedelta(seconds=number),
            f"many.{number % 70}",
            resource=f"thing:{number % 51}",
            user_id=f"u-{number % 50}",
        )
        for number in range(210)
    ]
    write(world, *rows)
    asked = bounds(within)
    agree(world.admin, asked, limit=100, sort="resource:desc")
    facets = ask(world.admin, FACETS, asked)
    assert len(facets["actions"]) == len(facets["resources"]) == len(facets["users"]) == 50
    assert facets["other"]["actions"] == {"values": 20, "count": 60}
    assert facets["other"]["resources"]["values"] == 1
    assert facets["other"]["users"] == {"values": 0, "count": 0}


def test_null_is_a_value_of_its_own_in_every_facet(world: World) -> None:
    within = window()
    write(world, event(within[0], result=None), event(within[0], result=None))
    facets = ask(world.admin, FACETS, bounds(within))
    assert facets["users"] == [{"id": None, "label": None, "name": None, "count": 2}]
    for facet in ("results", "resources", "client_kinds"):
        assert facets[facet] == [{"value": None, "count": 2}]
    assert facets["result_classes"] == [{"value": "none", "count": 2}]
    assert facets["sources"] == [{"value": "system", "count": 2}]


@pytest.mark.parametrize(
    ("minutes", "seconds"), [(1, 5), (30, 60), (1440, 1800), (10_080, 10_800), (43_200, 86_400)]
)
def test_a_histogram_has_every_bucket_of_its_window_and_at_most_60(
    world: World, minutes: int, seconds: int
) -> None:
    asked = {"until": "2002-01-31T00:00:00Z", "since_minutes": str(minutes)}
    found = ask(world.admin, HISTOGRAM, asked)
    assert found["bucket_seconds"] == seconds
    assert 13 <= len(found["buckets"]) <= 60
    assert len({bucket["ts"] for bucket in found["buckets"]}) == len(found["buckets"])


def test_an_event_stands_in_the_bucket_of_its_second(world: World) -> None:
    within = window()
    write(world, event(within[0] + timedelta(seconds=59.9), result="error.timeout"))
    asked = {"since": iso(within[0]), "until": iso(within[0] + timedelta(minutes=30))}
    found = ask(world.admin, HISTOGRAM, asked)
    assert found["bucket_seconds"] == 60
    full = [bucket for bucket in found["buckets"] if bucket["total"]]
    assert full == [{"ts": iso(within[0]).replace(".000000", ""), "total": 1, "error": 1}]
