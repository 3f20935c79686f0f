"""One filter, one truth: list, cards, facets, heatmap, export and neighbours agree about every set
of sessions, whatever is asked of them, and with a reckoning in plain Python."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console import sessions
from console.audit import new_id
from console.queries.sessions import (
    ANY,
    FINDING_TYPES,
    NONE,
    SEVERITIES,
    SORTS,
    VERDICTS,
    SessionFilter,
    everything,
)
from console.session_filter import filter_of
from console.sessions import Reader
from schema.policy import Principal
from schema.tables import SESSION_FILES, SESSION_FINDINGS, USAGE_SESSION_SUMMARY
from schema.transaction import Rows
from tests.console.access_world import World

Row = dict[str, Any]
SPAN = timedelta(days=21)
DAY, TICK = timedelta(days=1), timedelta(microseconds=1)
# Edges of the window and of its weeks among them; few, so that many sessions share one.
MOMENTS = (-TICK, 0 * TICK, 3 * DAY, 7 * DAY - TICK, 7 * DAY, 17 * DAY, SPAN, SPAN + TICK)
PEOPLE = ("person-1", "person-2", "person-3")
MODELS, WORDS = ("large", "small"), ("alpha", "beta")
_starts = itertools.count()

sets = st.lists(
    st.fixed_dictionaries(
        {
            "owner": st.sampled_from(PEOPLE),
            "word": st.sampled_from(WORDS),
            "processed": st.sampled_from([True, True, True, False]),
            "uploaded": st.sampled_from(MOMENTS),
            "started": st.none() | st.sampled_from(MOMENTS),
            "model": st.none() | st.sampled_from(MODELS),
            "verdict": st.none() | st.sampled_from(VERDICTS),
            "calls": st.integers(0, 3),
            "errors": st.integers(0, 2),
            "tokens": st.integers(0, 3),
            "found": st.lists(st.sampled_from(FINDING_TYPES), max_size=3),
        }
    ),
    max_size=10,
)
asked = st.fixed_dictionaries(
    {},
    optional={
        "anchor": st.sampled_from(["uploaded", "started"]),
        "user_id": st.sampled_from([*PEOPLE, "nobody"]),
        "username": st.sampled_from(["person-1@example.org", "%"]),
        "model": st.sampled_from([*MODELS, NONE, "l%"]),
        "only_errors": st.sampled_from(["true", "false"]),
        "has_finding": st.sampled_from([*FINDING_TYPES, ANY]),
        "severity": st.sampled_from(SEVERITIES),
        "processed": st.sampled_from(["true", "false"]),
        "verdict": st.sampled_from([*VERDICTS, NONE]),
        "q": st.sampled_from(["ALPHA", "person-2@", "%", "_", "'", "a-0"]),
        "week": st.integers(-1, 3),
    },
)
chosen = st.one_of(asked.map(lambda some: dict(list(some.items())[:1])), asked)


@dataclass(frozen=True)
class Made:
    """What lies in the database, and how it is reckoned without one."""

    start: datetime
    rows: list[Row]

    def matching(self, given: dict[str, str], mine: str | None, files: set[str]) -> list[Row]:
        return [row for row in self.rows if self._matches(row, given, files) and _own(row, mine)]

    def _matches(self, row: Row, given: dict[str, str], files: set[str]) -> bool:
        at = row["started_at" if given.get("anchor") == "started" else "uploaded_at"]
        if at is None or not self.start <= at <= self.start + SPAN:
            return False
        if "week" in given:
            monday = datetime.fromisoformat(given["week"])
            if not monday <= at < monday + 7 * DAY:
                return False
        name = f"{row['session_file']}\n{row['session_id'] or ''}\n{row['username'] or ''}".lower()
        tests: dict[str, Callable[[str], bool]] = {
            "user_id": lambda value: row["user_id"] == value,
            "username": lambda value: row["username"] == value,
            "model": lambda value: row["primary_model"] == (None if value == NONE else value),
            "verdict": lambda value: row["verdict"] == (None if value == NONE else value),
            "only_errors": lambda value: value == "false" or row["tool_errors"] > 0,
            "has_finding": lambda value: value in {*row["found"], *([ANY] if row["found"] else ())},
            "severity": lambda value: value in map(severity, row["found"]),
            "processed": lambda value: row["processed"] == (value == "true"),
            "q": lambda value: value.lower() in name or row["session_file"] in files,
        }
        return all(test(given[name]) for name, test in tests.items() if name in given)


def severity(kind: str) -> str:
    return "error" if kind == "loop" else "info"


def _own(row: Row, mine: str | None) -> bool:
    return mine is None or row["user_id"] == mine


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(tmp_path_factory.mktemp("truth")) as world:
        yield world


def keep(world: World, made: list[Row]) -> Made:
    """Put these sessions into a window that no other example has."""
    start = datetime(2003, 1, 6) + next(_starts) * 49 * DAY
    rows = [_row(start, number, some) for number, some in enumerate(made)]
    found = [
        {
            "id": new_id(),
            "session_file": row["session_file"],
            "user_id": row["user_id"],
            "finding_type": kind,
            "severity": severity(kind),
        }
        for row in rows
        for kind in row["found"]
    ]
    files = [
        {
            "session_file": f"{row['session_file']}{subagent}",
            "user_id": row["user_id"],
            "parent": row["session_file"] if subagent else None,
            "uploaded_at": start,
            "first_uploaded_at": row["uploaded_at"],
        }
        for row in rows
        for subagent in ("", ".sub")
    ]
    columns = USAGE_SESSION_SUMMARY.columns
    done = [{name: row.get(name) for name in columns} for row in rows if row["processed"]]
    world.store.write(
        Rows(USAGE_SESSION_SUMMARY, done), Rows(SESSION_FINDINGS, found), Rows(SESSION_FILES, files)
    ).result()
    return Made(start, rows)


def _row(start: datetime, number: int, some: Row) -> Row:
    key = f"{some['owner']}/{some['word']}-{number:02}-{new_id()}.jsonl"
    common = {
        "session_file": key,
        "user_id": some["owner"],
        "uploaded_at": start + some["uploaded"],
        "found": some["found"],
        "findings": len(some["found"]),
        "processed": some["processed"],
        "session_id": None,
        "username": None,
        "started_at": None,
        "primary_model": None,
        "verdict": None,
    }
    counts = dict.fromkeys(("tool_calls", "tool_errors", "input_tokens", "output_tokens"), 0)
    if not some["processed"]:
        return {**common, **counts}
    return {
        **common,
        "session_id": f"id-{number}",
        "username": f"{some['owner']}@example.org",
        "started_at": None if some["started"] is None else start + some["started"],
        "primary_model": some["model"],
        "verdict": some["verdict"],
        "tool_calls": some["calls"],
        "tool_errors": some["errors"],
        "input_tokens": some["tokens"],
        "output_tokens": 1,
        "active_seconds": float(some["calls"]),
    }


def filter_for(made: Made, given: dict[str, Any], files: set[str]) -> SessionFilter:
    times = {"since": made.start.isoformat(), "until": (made.start + SPAN).isoformat()}
    filter = filter_of({**given, **times}, now=datetime(2020, 1, 1))
    if "q" in given:
        filter = replace(filter, people=(), files=tuple(sorted(files)))
    return filter


def as_given(made: Made, some: dict[str, Any]) -> dict[str, str]:
    if "week" not in some:
        return some
    return {**some, "week": f"{made.start + some['week'] * 7 * DAY:%Y-%m-%d}"}


def paged(reader: Reader, filter: SessionFilter, sort: str, limit: int) -> list[Row]:
    rows: list[Row] = []
    offset: int | None = 0
    totals = set()
    while offset is not None:
        page = sessions.page(reader, filter, sort=sort, limit=limit, offset=offset)
        rows += page["rows"]
        totals.add(page["total"])
        offset = page["next_offset"]
    assert totals == {len(rows)}
    return rows


@settings(max_examples=max(25, settings().max_examples // 3))
@given(
    sets,
    chosen,
    st.sampled_from(sorted(SORTS)),
    st.sampled_from(["asc", "desc"]),
    st.integers(1, 6),
    st.sampled_from([None, "person-1"]),
    st.booleans(),
)
def test_every_view_of_the_sessions_counts_the_same(
    world: World,
    some: list[Row],
    words: dict[str, Any],
    key: str,
    direction: str,
    limit: int,
    mine: str | None,
    inside: bool,  # noqa: FBT001 (hypothesis passes it by name)
) -> None:
    made = keep(world, some)
    given = as_given(made, words)
    files = {row["session_file"] for row in made.rows[::2]} if inside else set()
    expected = made.matching(given, mine, files)
    reader = Reader(world.instance, Principal(mine or "anna", is_admin=mine is None))
    filter = filter_for(made, given, files)
    rows = paged(reader, filter, f"{key}:{direction}", limit)
    keys = [row["session_file"] for row in rows]
    assert sorted(keys) == sorted(row["session_file"] for row in expected)
    listed_alike(rows, expected)
    in_order(rows, SORTS[key], direction)
    figures_agree(reader, filter, expected)
    facets_agree(reader, filter, expected)
    heatmap_agrees(reader, filter, given, expected)
    expression = everything(reader.seen, filter, f"{key}:{direction}")
    with world.store.snapshot(expression) as (count, batches):
        out = [row["session_file"] for batch in batches for row in batch.to_pylist()]
    assert (count, out) == (len(keys), keys)
    for place, one in enumerate(keys):
        beside = sessions.neighbours(reader, filter, f"{key}:{direction}", one)
        assert beside == {
            "previous": keys[place - 1] if place else None,
            "next": keys[place + 1] if place + 1 < len(keys) else None,
            "place": place,
            "total": len(keys),
        }


def listed_alike(rows: list[Row], expected: list[Row]) -> None:
    by_key = {row["session_file"]: row for row in expected}
    for row in rows:
        of = by_key[row["session_file"]]
        for name in ("user_id", "uploaded_at", "processed", "findings", "verdict", "tool_errors"):
            assert row[name] == of[name], name
        assert row["tokens"] == of["input_tokens"] + of["output_tokens"]


def in_order(rows: list[Row], column: str, direction: str) -> None:
    known = [row[column] for row in rows if row[column] is not None]
    assert [row[column] for row in rows] == known + [None] * (len(rows) - len(known))
    assert known == sorted(known, reverse=direction == "desc")
    for _, alike in itertools.groupby(rows, lambda row: str(row[column])):
        keys = [row["session_file"] for row in alike]
        assert keys == sorted(keys)


def figures_agree(reader: Reader, filter: SessionFilter, expected: list[Row]) -> None:
    cards = sessions.kpis(reader, filter)
    verdicts = Counter(row["verdict"] or NONE for row in expected)
    calls = sum(row["tool_calls"] for row in expected)
    errors = sum(row["tool_errors"] for row in expected)
    assert cards == {
        "window_minutes": 21 * 1440,
        "sessions_total": len(expected),
        "distinct_users": len({row["user_id"] for row in expected}),
        "error_sessions": sum(row["tool_errors"] > 0 for row in expected),
        "tool_calls_total": calls,
        "tool_errors_total": errors,
        "tool_error_rate": round(errors / calls, 4) if calls else 0.0,
        "processed": sum(row["processed"] for row in expected),
        "with_findings": sum(bool(row["found"]) for row in expected),
        "findings_total": sum(len(row["found"]) for row in expected),
        "by_verdict": {name: verdicts[name] for name in (*VERDICTS, NONE)},
        "tokens_total": sum(row["input_tokens"] + row["output_tokens"] for row in expected),
        "active_seconds_total": sum(row.get("active_seconds", 0.0) for row in expected),
    }


def facets_agree(reader: Reader, filter: SessionFilter, expected: list[Row]) -> None:
    found = sessions.facets(reader, filter)
    assert found["window_minutes"] == 21 * 1440
    columns = {"users": "user_id", "models": "primary_model", "verdicts": "verdict"}
    for facet, column in columns.items():
        counted = {one.get("id", one.get("value")): one["count"] for one in found[facet]}
        assert counted == Counter(row[column] for row in expected), facet
        assert sum(counted.values()) == len(expected)
    processed = {one["value"] == "true": one["count"] for one in found["processed"]}
    assert processed == Counter(row["processed"] for row in expected)
    kinds = Counter(kind for row in expected for kind in set(row["found"]))
    assert {one["value"]: one["count"] for one in found["findings"]} == kinds
    each = Counter(kind for row in expected for kind in row["found"])
    assert {one["value"]: one["findings"] for one in found["findings"]} == each
    assert sum(one["findings"] for one in found["severities"]) == each.total()


def heatmap_agrees(
    reader: Reader, filter: SessionFilter, given: dict[str, str], expected: list[Row]
) -> None:
    grid = sessions.heatmap(reader, filter)
    anchor = "started_at" if given.get("anchor") == "started" else "uploaded_at"
    findings: Counter[tuple[str, str]] = Counter()
    holders: dict[tuple[str, str], set[str]] = {}
    for row in expected:
        monday = row[anchor] - timedelta(days=row[anchor].weekday())
        for kind in row["found"]:
            findings[f"{monday:%Y-%m-%d}", kind] += 1
            holders.setdefault((f"{monday:%Y-%m-%d}", kind), set()).add(row["session_file"])
    assert {
        (cell["week"], cell["finding_type"]): (cell["findings"], cell["sessions"])
        for cell in grid["cells"]
    } == {cell: (findings[cell], len(holders[cell])) for cell in findings}
    assert {cell["week"] for cell in grid["cells"]} <= set(grid["weeks"])
    assert grid["total_findings"] == findings.total()
    assert grid["total_sessions"] == sum(bool(row["found"]) for row in expected)
    for (week, kind), keys in list(holders.items())[:2]:
        if given.get("has_finding", kind) in (kind, ANY):
            # What a click on the cell asks for: the same filter with its two words.
            week_of = datetime.fromisoformat(week)
            cell = replace(filter, terms={**filter.terms, "has_finding": kind}, week=week_of)
            rows = paged(reader, cell, "uploaded_at:desc", 50)
            assert {row["session_file"] for row in rows} == keys


def test_more_values_than_a_facet_shows_are_summed_in_other(world: World) -> None:
    one = {
        "owner": "person-1",
        "word": "alpha",
        "processed": True,
        "uploaded": DAY,
        "started": None,
        "verdict": None,
        "calls": 0,
        "errors": 0,
        "tokens": 0,
        "found": [],
    }
    some = [{**one, "model": f"model-{number % 70:02}"} for number in range(210)]
    made = keep(world, some)
    reader = Reader(world.instance, Principal("anna", is_admin=True))
    found = sessions.facets(reader, filter_for(made, {}, set()))
    assert len(found["models"]) == 50
    assert found["other"]["models"] == {"values": 20, "count": 60}
    assert found["other"]["users"] == {"values": 0, "count": 0}
