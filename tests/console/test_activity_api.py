"""The endpoints over the audit log: what they answer, to whom, and what hangs on a row."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from console.audit import new_id
from console.queries.audit import SHOWN
from console.queries.vocabulary import SELF_READS
from schema.table import Table
from schema.tables import (
    FEEDBACK_REPORTS,
    JOB_RUNS,
    RESOURCE_GRANTS,
    SESSION_PROCESSOR_STATE,
    SYNC_HISTORY,
    USER_GROUP_MEMBERS,
)
from schema.transaction import Rows
from tests.console.access_world import World
from tests.console.audit_log import (
    ACTIVITY,
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

SYNC = f"{ACTIVITY}/sync"
HEALTH = f"{ACTIVITY}/health"
NOW = datetime(2026, 3, 4, 12)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(tmp_path_factory.mktemp("activity")) as world:
        yield world


def insert(world: World, table: Table, *rows: Row) -> None:
    world.store.write(Rows(table, rows)).result()


def granted(world: World, *surfaces: str) -> str:
    """A new user in a group that was granted these."""
    user, group = world.user(), new_id()
    insert(world, USER_GROUP_MEMBERS, {"group_id": group, "user_id": user, "added_at": NOW})
    for surface in surfaces:
        grant = {"id": new_id(), "group_id": group, "resource_type": surface, "created_at": NOW}
        insert(world, RESOURCE_GRANTS, grant)
    return user


# Rows


def test_a_row_has_the_columns_of_the_specification(world: World) -> None:
    within = window()
    write(world, event(within[0], user_id=world.admin_id, params='{"a":1}', client_kind="web"))
    answer = ask(world.admin, ACTIVITY, bounds(within))
    assert answer.keys() == {"rows", "next_cursor", "prev_cursor", "filter"}
    assert answer["next_cursor"] is answer["prev_cursor"] is None
    (row,) = answer["rows"]
    assert row.keys() == {*SHOWN, "user_email", "user_name"}
    assert (row["source"], row["result_class"]) == ("web", "success")
    assert (row["user_email"], row["timestamp"]) == ("root@example.org", iso(within[0])[:19] + "Z")


def test_the_filter_is_echoed_resolved(world: World) -> None:
    within = window()
    asked = {**bounds(within), "action_prefix": "sync.", "limit": "7"}
    echo = ask(world.admin, ACTIVITY, asked)["filter"]
    assert {name: echo[name] for name in asked} == {**asked, "limit": 7}
    assert (echo["q"], echo["include_self_reads"], echo["since_minutes"]) == (None, False, 60)


def test_a_negated_filter_keeps_the_rows_without_a_value(world: World) -> None:
    within = window()
    rows = write(
        world,
        event(within[0], user_id="u-1", resource="a:1", client_kind="web"),
        event(within[0], resource=None),
    )
    for name, value in (
        ("user_id_not", "u-1"),
        ("resource_prefix_not", "a:"),
        ("client_kind_not", "web"),
        ("source_not", "web"),
        ("query", "-user:u-1"),
        ("query", "-resource:a:"),
    ):
        found = ask(world.admin, ACTIVITY, {**bounds(within), name: value})["rows"]
        assert [row["id"] for row in found] == [rows[1]["id"]], name


def test_a_typed_result_is_a_class_or_a_beginning(world: World) -> None:
    within = window()
    write(world, *(event(within[0], result=result) for result in ("ok", "error.a", "skipped")))

    def results(query: str) -> set[str]:
        rows = ask(world.admin, ACTIVITY, {**bounds(within), "query": query})["rows"]
        return {row["result"] for row in rows}

    assert results("result:success") == {"ok"}
    assert results("result:error") == {"error.a"}
    assert results("result:skip") == {"skipped"}
    assert results("-result:error") == {"ok", "skipped"}
    assert results("result:error result:success") == {"error.a", "ok"}
    assert results("result:error result:skip") == {"error.a", "skipped"}


def test_people_are_found_by_name(world: World) -> None:
    within = window()
    ana = world.user("ana.lyst@example.org")
    (row, _) = write(world, event(within[0], user_id=ana), event(within[0], user_id="u-9"))
    for typed in ("ana.lyst@example.org", "ANA.lyst", ana):
        rows = ask(world.admin, ACTIVITY, {**bounds(within), "query": f"user:{typed}"})["rows"]
        assert [found["id"] for found in rows] == [row["id"]]


@pytest.mark.parametrize("action", SELF_READS)
def test_reads_of_the_pages_are_shown_only_on_request_everywhere(world: World, action: str) -> None:
    within = window()
    (read, other) = write(world, event(within[0], action), event(within[0]))
    hidden, shown = bounds(within), {**bounds(within), "include_self_reads": "true"}
    for asked, ids in ((hidden, {other["id"]}), (shown, {read["id"], other["id"]})):
        assert {row["id"] for row in paged(world.admin, asked)} == ids
        assert ask(world.admin, KPIS, asked)["events_total"] == len(ids)
        assert sum(one["count"] for one in ask(world.admin, FACETS, asked)["actions"]) == len(ids)
        buckets = ask(world.admin, HISTOGRAM, asked)["buckets"]
        assert sum(bucket["total"] for bucket in buckets) == len(ids)
        assert world.admin.get(EXPORT, params=asked).headers["X-Row-Count"] == str(len(ids))
    assert ask(world.admin, f"{ACTIVITY}/{read['id']}", {})["action"] == action


# Cards


def test_active_users_are_people_who_signed_in(world: World) -> None:
    within = window()
    at = within[0]
    write(
        world,
        event(at, user_id="u-1", client_kind="web"),
        event(at, user_id="u-1", client_kind="cli"),
        event(at, user_id="u-2", client_kind="agent"),
        event(at, user_id="u-3", client_kind="scheduler"),
        event(at, "run_job:rollups", user_id="u-4"),
        event(at, user_id="u-5", client_kind="external"),
        event(at, "auth.login_failed", user_id="u-6", client_kind="web", result="denied"),
        event(at, "auth.login", user_id="u-7", client_kind="web"),
        event(at, client_kind="web"),
    )
    found = ask(world.admin, KPIS, bounds(within))
    assert (found["active_users"], found["events_total"]) == (3, 9)


def test_shares_are_of_all_events_and_the_p95_of_those_measured(world: World) -> None:
    within = window()
    write(
        world,
        *(event(within[0], duration_ms=ms) for ms in range(1, 101)),
        *(event(within[0], result="error.timeout") for _ in range(50)),
        *(event(within[0], result="denied") for _ in range(50)),
    )
    found = ask(world.admin, KPIS, bounds(within))
    assert found == {
        "window_minutes": 60,
        "events_total": 200,
        "active_users": 0,
        "errors": 50,
        "error_rate": 0.25,
        "p95_duration_ms": 95,
        "duration_coverage": 0.5,
    }


def test_an_empty_window_divides_by_nothing(world: World) -> None:
    found = ask(world.admin, KPIS, bounds(window()))
    assert (found["events_total"], found["error_rate"], found["duration_coverage"]) == (0, 0, 0)
    assert found["p95_duration_ms"] is None


# Syncs


def test_syncs_are_listed_newest_first_with_their_filters(world: World) -> None:
    within = window()
    rows = [
        {
            "id": new_id(),
            "table_id": f"table-{number % 2}",
            "synced_at": within[0] + timedelta(minutes=number),
            "status": "error" if number % 3 == 0 else "success",
            "rows": number,
        }
        for number in range(6)
    ]
    insert(world, SYNC_HISTORY, *rows)

    def numbers(**asked: str) -> list[int]:
        found = ask(world.admin, SYNC, {**bounds(within), **asked})
        assert found.keys() == {"rows"}
        return [row["rows"] for row in found["rows"]]

    assert numbers() == [5, 4, 3, 2, 1, 0]
    assert numbers(limit="2") == [5, 4]
    assert numbers(status="error") == [3, 0]
    assert numbers(table_id="table-1") == [5, 3, 1]
    assert numbers(table_id="table-1", status="error") == [3]
    assert numbers(until=iso(within[0] + timedelta(minutes=2))) == [2, 1, 0]
    asked = {"until": iso(within[0] + timedelta(minutes=5)), "since_minutes": "3"}
    found = ask(world.admin, SYNC, asked)["rows"]
    assert [row["rows"] for row in found] == [5, 4, 3, 2]
    assert found[0].keys() == set(SYNC_HISTORY.columns)
    assert ask(world.admin, SYNC, {})["rows"] == []  # the last day


# One row and the record behind it


def scene(world: World, owner: str) -> dict[str, Row]:
    """One event of each kind that has a record, and these records."""
    within, ids = window(), {kind: new_id() for kind in ("sync", "report", "job")}
    sync = {"id": ids["sync"], "table_id": "t", "synced_at": NOW, "status": "error", "error": "x"}
    insert(world, SYNC_HISTORY, sync)
    report = {"id": ids["report"], "created_at": NOW, "reporter_user": owner, "message": "broken"}
    insert(world, FEEDBACK_REPORTS, report)
    processor = f"usage-{ids['job']}"
    state = {"processor_name": processor, "session_file": "u/a.jsonl", "user_id": owner}
    insert(world, SESSION_PROCESSOR_STATE, {**state, "processed_at": NOW, "items_extracted": 3})
    insert(world, JOB_RUNS, {"id": ids["job"], "job_name": "rollups", "queued_at": NOW})
    at = within[0]
    rows = write(
        world,
        event(at, "sync.trigger", params=f'{{"sync_ids":["{ids["sync"]}","gone"]}}'),
        event(at, "feedback.report", resource=f"report:{ids['report']}", user_id=owner),
        event(at, f"run_session_processor:{processor}"),
        event(at, "run_job:rollups", correlation_id=ids["job"], client_kind="scheduler"),
    )
    return dict(zip(("sync", "report", "processor", "job"), rows, strict=True))


def linked(client: httpx.Client, row: Row) -> Any:
    found = ask(client, f"{ACTIVITY}/{row['id']}", {})
    assert found["id"] == row["id"]
    return found["linked"]


def test_an_event_leads_to_its_record(world: World) -> None:
    rows = scene(world, world.user())
    records = {kind: linked(world.admin, row) for kind, row in rows.items()}
    assert {kind: found["kind"] for kind, found in records.items()} == {kind: kind for kind in rows}
    assert records["sync"]["record"]["error"] == "x"
    assert records["report"]["record"]["message"] == "broken"
    assert records["processor"]["record"]["items_extracted"] == 3
    assert records["job"]["record"]["job_name"] == "rollups"
    for found in records.values():
        assert found["record"] == found["records"][0]


@pytest.mark.parametrize("params", [None, "[]", "{broken", '{"sync_ids":5}', '{"sync_id":"gone"}'])
def test_an_event_without_a_record_leads_nowhere(world: World, params: str | None) -> None:
    within = window()
    (row, other) = write(
        world, event(within[0], "sync.table", params=params), event(within[0], "user.create")
    )
    assert linked(world.admin, row) is None
    assert linked(world.admin, other) is None


@pytest.mark.parametrize(
    ("surfaces", "kinds"),
    [
        (("activity",), {"sync"}),
        (("activity", "feedback"), {"sync", "report"}),
        (("activity", "sessions"), {"sync", "processor"}),
    ],
)
def test_a_record_is_shown_only_to_those_who_may_see_it(
    world: World, surfaces: tuple[str, ...], kinds: set[str]
) -> None:
    rows = scene(world, world.user())
    with world.client(world.token(granted(world, *surfaces))) as client:
        assert {kind for kind, row in rows.items() if linked(client, row)} == kinds


def test_ones_own_report_and_state_are_shown_without_their_grants(world: World) -> None:
    me = granted(world, "activity")
    rows = scene(world, me)
    with world.client(world.token(me)) as client:
        seen = {kind for kind, row in rows.items() if linked(client, row)}
    assert seen == {"sync", "report", "processor"}


def test_an_unknown_row_is_not_found(world: World) -> None:
    answer = world.admin.get(f"{ACTIVITY}/{new_id()}")
    assert answer.status_code == 404
    assert answer.json()["ok"] is False
    assert world.admin.get(f"{ACTIVITY}/{new_id()}?x=1").status_code == 400


# Rights

PATHS = (ACTIVITY, KPIS, FACETS, HISTOGRAM, EXPORT, SYNC, HEALTH)


@pytest.mark.parametrize("path", PATHS)
def test_the_log_is_for_admins_and_those_with_the_grant(world: World, path: str) -> None:
    with world.client() as stranger:
        assert stranger.get(path).status_code == 401
    for surfaces, status in (((), 403), (("telemetry", "sessions"), 403), (("activity",), 200)):
        with world.client(world.token(granted(world, *surfaces))) as client:
            assert client.get(path).status_code == status
            assert client.post(path).status_code in (403, 405)
            assert client.delete(path).status_code in (403, 405)


def test_with_the_grant_all_rows_are_seen(world: World) -> None:
    within = window()
    me = granted(world, "activity")
    rows = write(
        world,
        event(within[0], user_id=me),
        event(within[0], user_id=world.admin_id),
        event(within[0]),
    )
    with world.client(world.token(me)) as client:
        assert {row["id"] for row in paged(client, bounds(within))} == {row["id"] for row in rows}
        assert ask(client, KPIS, bounds(within))["events_total"] == 3
        for row in rows:
            assert client.get(f"{ACTIVITY}/{row['id']}").status_code == 200


def test_a_grant_taken_back_and_a_user_deactivated_see_nothing_at_once(world: World) -> None:
    me = granted(world, "activity")
    with world.client(world.token(me)) as client:
        assert client.get(ACTIVITY).status_code == 200
        world.admin.delete(f"/api/admin/users/{me}")
        assert client.get(ACTIVITY).status_code == 401
