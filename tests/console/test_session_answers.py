"""Exports, neighbours, one session, searches, own rows: what comes of a filter of sessions."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from console import sessions
from console.audit import now
from console.queries.sessions import FINDING_TYPES
from console.transcript import text_search
from schema.errors import NotFound
from schema.policy import Principal
from schema.tables import (
    SESSION_VERDICTS,
)
from schema.transaction import Rows
from tests.console.access_world import World
from tests.console.sessions_place import (
    EXPORT,
    FINDINGS,
    KPIS,
    LIST,
    NEIGHBOURS,
    Row,
    ask,
    fill,
)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(tmp_path_factory.mktemp("sessions")) as world:
        fill(world)
        yield world


def test_a_list_and_its_export_are_the_same_rows(world: World) -> None:
    asked = {"model": "large", "sort": "tokens:asc"}
    rows = ask(world, LIST, limit=200, **asked)["rows"]
    keys = [row["session_file"] for row in rows]
    for format in ("csv", "json", "parquet"):
        answer = world.admin.get(EXPORT, params={**asked, "format": format})
        assert answer.headers["X-Row-Count"] == str(len(keys))
        assert ".ndjson" in answer.headers["Content-Disposition"] or format != "json"
        found = exported(format, answer.content)
        assert [row["session_file"] for row in found] == keys
        assert [int(row["tool_calls"]) for row in found] == [row["tool_calls"] for row in rows]
        assert {row["user_email"] for row in found} == {"s1@example.org"}
    written = world.last("sessions.read")
    said = {"endpoint": "export", "format": "parquet", "model": "large", "row_count": 6}
    assert written["params"] == said


def exported(format: str, content: bytes) -> list[Row]:
    if format == "csv":
        return list(csv.DictReader(io.StringIO(content.decode(), newline="")))
    if format == "json":
        return [orjson.loads(line) for line in content.splitlines()]
    table = pq.read_table(pa.BufferReader(content))
    assert table.schema.field("uploaded_at").type == pa.timestamp("us")
    assert table.schema.field("processed").type == pa.bool_()
    rows: list[Row] = table.to_pylist()
    return rows


def test_an_export_in_a_format_nobody_knows_is_refused(world: World) -> None:
    answer = world.admin.get(EXPORT, params={"format": "xlsx"})
    assert (answer.status_code, "csv, json, parquet" in answer.json()["error"]) == (400, True)


def test_a_session_has_its_row_and_its_verdict(world: World) -> None:
    rows = ask(world, LIST, limit=200)["rows"]
    row = next(row for row in rows if row["session_file"].endswith("02.jsonl"))
    checks = [{"name": "last_call", "passed": False, "says": "the last call failed", "turns": [3]}]
    verdict = {
        "session_file": row["session_file"],
        "user_id": row["user_id"],
        "verdict": "failed",
        "checks": orjson.dumps(checks).decode(),
        "decided_at": now(),
    }
    world.store.write(Rows(SESSION_VERDICTS, [verdict])).result()
    found = ask(world, f"/api/admin/sessions/{row['session_file']}")
    judged = found.pop("judged")
    assert found == row
    assert (judged["verdict"], judged["checks"]) == ("failed", checks)
    missing = world.admin.get(f"/api/admin/sessions/{row['user_id']}/none.jsonl")
    assert missing.status_code == 404


def test_neighbours_are_those_of_the_list(world: World) -> None:
    asked = {"sort": "user:asc", "verdict": "clean"}
    keys = [row["session_file"] for row in ask(world, LIST, **asked)["rows"]]
    beside = ask(world, NEIGHBOURS, session_file=keys[1], **asked)
    assert beside == {"previous": keys[0], "next": keys[2], "place": 1, "total": len(keys)}
    nobody = ask(world, NEIGHBOURS, session_file="a/b.jsonl", **asked)
    assert nobody == {"previous": None, "next": None, "place": None, "total": len(keys)}
    answer = world.admin.get(NEIGHBOURS)
    assert (answer.status_code, "session_file" in answer.json()["error"]) == (400, True)


def test_a_page_past_the_end_is_empty_and_says_how_many_there_are(world: World) -> None:
    page = ask(world, LIST, offset=1000)
    assert (page["rows"], page["total"], page["next_offset"]) == ([], 14, None)


def test_a_window_has_ends_of_its_own(world: World) -> None:
    until = now() - timedelta(days=2)
    rows = ask(world, LIST, until=until.isoformat() + "Z", since_minutes=2 * 1440)["rows"]
    assert {row["session_file"][-8:-6] for row in rows} == {"04", "05", "06", "07"}
    since = (until - timedelta(days=1)).isoformat() + "Z"
    both = ask(world, LIST, until=until.isoformat() + "Z", since=since, since_minutes=1)["rows"]
    assert {row["session_file"][-8:-6] for row in both} == {"04", "05"}


def test_a_search_finds_people_by_the_name_they_have_today(world: World) -> None:
    """Those sessions too that nobody has read yet, which know no name."""
    found = ask(world, LIST, q="S0@EXAMPLE", limit=200)["rows"]
    assert len(found) == 8
    assert {row["user_email"] for row in found} == {"s0@example.org"}


def test_a_search_finds_what_stands_inside(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = ask(world, LIST, limit=200)["rows"]
    inside = frozenset(row["session_file"] for row in rows[3:5])
    line = [["Some ", False], ["words", True]]

    def matching(reader: object, text: str) -> frozenset[str]:
        return inside if text == "words" else frozenset()

    def snippets(reader: object, text: str, keys: list[str]) -> dict[str, Any]:
        return {key: {"hits": 3, "snippet": line} for key in keys}

    monkeypatch.setattr(text_search, "matching", matching)
    monkeypatch.setattr(text_search, "snippets", snippets)
    found = ask(world, LIST, q="Words", limit=200)
    assert {row["session_file"] for row in found["rows"]} == inside
    assert [(row["hits"], row["snippet"]) for row in found["rows"]] == [(3, line)] * 2
    assert ask(world, KPIS, q="words")["sessions_total"] == 2
    assert ask(world, LIST, q="other words")["total"] == 0


def test_who_sees_only_own_rows_gets_them_under_every_question(world: World) -> None:
    owner = next(row["user_id"] for row in ask(world, LIST, limit=200)["rows"])
    mine = sessions.Reader(world.instance, Principal(owner))
    for words in ({}, {"has_finding": "loop"}, {"q": "session"}, {"verdict": "none"}):
        filter = sessions.filter_of(words, now=now())
        page = sessions.page(mine, filter, sort="user:asc", limit=50, offset=0)
        assert {row["user_id"] for row in page["rows"]} <= {owner}
        assert page["total"] == sessions.kpis(mine, filter)["sessions_total"]
        assert len(sessions.facets(mine, filter)["users"]) <= 1
        sessions.heatmap(mine, filter)
    other = next(row for row in ask(world, LIST, limit=200)["rows"] if row["user_id"] != owner)
    with pytest.raises(NotFound):
        sessions.summary(mine, other["session_file"])
    assert sessions.verdict_of(mine, other["session_file"]) is None


@pytest.mark.parametrize(
    "sort", ["ended_at:asc", "username:desc", "primary_model:asc", "user", "model"]
)
def test_the_sort_keys_of_older_clients_work(world: World, sort: str) -> None:
    assert ask(world, LIST, sort=sort, limit=200)["total"] == 14


def test_the_heatmap_stands_in_its_new_shape_beside_the_old(world: World) -> None:
    page = ask(world, FINDINGS, since_minutes=14 * 1440)
    assert page["heatmap"] == page["cells"]
    assert len(page["weeks"]) == 3
    assert all(datetime.fromisoformat(week).weekday() == 0 for week in page["weeks"])
    assert page["finding_types"] == list(FINDING_TYPES)
    assert page["total_findings"] == 12
    assert page["mark"] == ask(world, FINDINGS, since_minutes=14 * 1440)["mark"]
