"""`/api/admin/sessions/list` and `…/findings`: filters, order, paging, rights, what is not
processed yet."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.audit import new_id, now
from console.queries.sessions import FINDING_TYPES, SORTS, VERDICTS
from schema.tables import (
    AUDIT_LOG,
    RESOURCE_GRANTS,
    USER_GROUP_MEMBERS,
)
from schema.transaction import Rows
from tests.console.access_world import World
from tests.console.sessions_place import (
    EXPORT,
    FACETS,
    FINDINGS,
    KPIS,
    LIST,
    NEIGHBOURS,
    NOT_THERE,
    Row,
    ask,
    fill,
)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(tmp_path_factory.mktemp("sessions")) as world:
        fill(world)
        yield world


def test_a_list_holds_every_session_once_those_too_that_nobody_has_read_yet(world: World) -> None:
    page = ask(world, LIST, limit=200)
    assert set(page) == {"rows", "total", "limit", "offset", "next_offset"}
    assert (page["total"], page["next_offset"]) == (14, None)
    assert len({row["session_file"] for row in page["rows"]}) == 14
    waiting = [row for row in page["rows"] if not row["processed"]]
    assert [row["session_file"].rpartition("/")[2] for row in waiting] == [
        "new-0.jsonl",
        "new-1.jsonl",
    ]
    assert {(row["tool_calls"], row["verdict"], row["started_at"]) for row in waiting} == {
        (0, None, None)
    }


@settings(max_examples=8)
@given(
    st.sampled_from(list(SORTS)),
    st.sampled_from(["asc", "desc"]),
    st.integers(3, 9),
    st.dictionaries(
        st.sampled_from(["model", "verdict", "has_finding", "only_errors", "anchor", "q"]),
        st.integers(0, 3),
        max_size=2,
    ),
)
def test_paging_reaches_each_session_once_in_the_order_asked_for(
    world: World, key: str, direction: str, limit: int, chosen: dict[str, int]
) -> None:
    values = {
        "model": ["large", "small", "huge", "small"],
        "verdict": list(VERDICTS),
        "has_finding": list(FINDING_TYPES),
        "only_errors": ["true", "false", "true", "true"],
        "anchor": ["uploaded", "started", "uploaded", "started"],
        "q": ["SESSION", "id-1", "s0@", "%"],
    }
    filter = {name: values[name][place] for name, place in chosen.items()}
    rows: list[Row] = []
    offset: int | None = 0
    while offset is not None:
        page = ask(world, LIST, sort=f"{key}:{direction}", limit=limit, offset=offset, **filter)
        rows += page["rows"]
        assert page["total"] >= len(rows)
        offset = page["next_offset"]
    assert page["total"] == len(rows) == len({row["session_file"] for row in rows})
    shown = [row[SORTS[key]] for row in rows]
    there = [value for value in shown if value is not None]
    assert there == sorted(there, reverse=direction == "desc")
    assert shown == there + [None] * (len(shown) - len(there))
    for row in rows:
        assert filter.get("model", row["primary_model"]) == row["primary_model"]
        assert filter.get("verdict", row["verdict"]) == row["verdict"]
        assert filter.get("only_errors") != "true" or row["tool_errors"] > 0


def test_a_session_counts_by_the_time_that_the_anchor_names(world: World) -> None:
    old = "session-03.jsonl"
    for anchor, there in (("uploaded", True), ("started", False)):
        rows = ask(world, LIST, anchor=anchor, since_minutes=10_080, limit=200)["rows"]
        assert any(row["session_file"].endswith(old) for row in rows) is there


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("sort", "size:desc", "tool_errors"),
        ("sort", "findings:up", ":asc or :desc"),
        ("anchor", "processed", "uploaded, started"),
        ("has_finding", "typo", "tool_error, permission_denied"),
        ("verdict", "good", "clean, recovered"),
        ("only_errors", "yes", "true, false"),
        ("since_minutes", "0", "1 to 525600"),
        ("limit", "0", "1 to"),
        ("since_minutes", "525601", "1 to 525600"),
        ("since_minutes", "٣", "1 to 525600"),
        ("since", "yesterday", "an ISO time"),
        ("since", "9000-01-01", "a time before until"),
        ("until", "24h", "an ISO time"),
        ("until", "0001-01-01", "1970"),
        ("week", "2026-11-17", "a Monday"),
        ("week", "2026-W47", "a Monday"),
        ("week", "0001-01-01", "a Monday"),
        ("q", "x" * 513, "512 characters"),
        ("model", "x" * 513, "512 characters"),
        ("colour", "red", "verdict"),
    ],
)
@pytest.mark.parametrize("path", [LIST, KPIS, FACETS, FINDINGS, EXPORT, NEIGHBOURS])
def test_what_cannot_be_asked_is_named_with_what_can(
    world: World, path: str, name: str, value: str, allowed: str
) -> None:
    if (path, name) in NOT_THERE:
        allowed = "unknown parameter"
    more = {"session_file": "a/b.jsonl"} if path == NEIGHBOURS else {}
    answer = world.admin.get(path, params={**more, name: value})
    assert answer.status_code == 400
    assert name in answer.json()["error"]
    assert allowed in answer.json()["error"] + answer.json()["detail"]


def test_pages_of_findings_hold_each_once_and_agree_with_their_heatmap(world: World) -> None:
    seen: list[str] = []
    cursor: Row = {}
    while True:
        page = ask(world, FINDINGS, limit=2, **cursor)
        seen += [row["id"] for row in page["rows"]]
        following = page["next_cursor"]
        if following is None:
            break
        cursor = {"cursor_ts": following["ts"], "cursor_id": following["id"]}
    assert len(seen) == len(set(seen)) == 12
    assert sum(cell["findings"] for cell in page["heatmap"]) == 12
    for cell in page["heatmap"]:
        assert datetime.fromisoformat(cell["week"]).weekday() == 0
        assert 0 < cell["sessions"] <= cell["findings"]
        assert cell["finding_type"] in FINDING_TYPES


def test_the_findings_of_a_session_come_in_the_order_of_its_conversation(world: World) -> None:
    rows = ask(world, FINDINGS)["rows"]
    key = next(row["session_file"] for row in rows if row["session_file"].endswith("02.jsonl"))
    found = ask(world, FINDINGS, session_file=key)
    turns = [row["turn_index"] for row in found["rows"]]
    assert turns == sorted(turns) == [9, 10]
    assert found["next_cursor"] is None
    one = found["rows"][0]["finding_type"]
    assert len(ask(world, FINDINGS, session_file=key, finding_type=one)["rows"]) == 1


def test_a_filter_of_sessions_narrows_their_findings(world: World) -> None:
    rows = ask(world, FINDINGS, model="large", finding_type="tool_error", limit=500)["rows"]
    keys = {row["session_file"] for row in rows}
    large = {row["session_file"] for row in ask(world, LIST, model="large", limit=200)["rows"]}
    assert rows
    assert keys <= large
    assert {row["finding_type"] for row in rows} == {"tool_error"}


def test_half_a_cursor_is_refused(world: World) -> None:
    answer = world.admin.get(FINDINGS, params={"cursor_ts": "2026-01-01T00:00:00Z"})
    assert answer.status_code == 400
    assert "cursor_id" in answer.json()["error"]


def test_reading_is_audited_once_a_minute_for_the_same_filter(world: World) -> None:
    for _ in range(3):
        ask(world, LIST, q="once a minute", sort="user:asc", offset=1)
    rows = [
        row
        for row in world.rows(AUDIT_LOG)
        if row["action"] == "sessions.read" and '"q":"once a minute"' in row["params"]
    ]
    assert len(rows) == 1


def test_only_admins_and_holders_of_the_grant_read_sessions(world: World) -> None:
    someone = world.user()
    with world.client(world.token(someone)) as client:
        assert client.get(LIST).status_code == 403
        group = new_id()
        membership = {"group_id": group, "user_id": someone, "added_at": now()}
        grant = {
            "id": new_id(),
            "group_id": group,
            "resource_type": "sessions",
            "created_at": now(),
        }
        world.store.write(
            Rows(USER_GROUP_MEMBERS, [membership]), Rows(RESOURCE_GRANTS, [grant])
        ).result()
        assert client.get(LIST).json()["total"] == 14
