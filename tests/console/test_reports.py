"""What the weekly reports are told, against a reckoning in plain Python; and who may ask."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from console.audit import now
from console.queries.sessions import FINDING_TYPES
from tests.console.access_world import World
from tests.console.reports_place import FAILURES, WEEK, WEEKLY, Row, Weeks, fill, within

THIS = {"week": WEEK.date().isoformat()}
TELLS = {
    "error": "tool_error",
    "policy_denied": "permission_denied",
    "user_rejected": "user_rejection",
}


@pytest.fixture(scope="module", params=[1, 2])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    with World(tmp_path_factory.mktemp("reports") / "data") as world:
        world.weeks = fill(world, request.param, group="Sales")  # type: ignore[attr-defined]
        yield world


@pytest.fixture
def job(world: World) -> Iterator[httpx.Client]:
    """A running job: it has no rows of its own."""
    with world.client(world.instance.gate.passes.issue("r", lifetime=timedelta(hours=1))) as job:
        yield job


def told(client: httpx.Client, path: str, **given: str) -> Any:
    answer = client.get(path, params=given)
    assert answer.status_code == 200, answer.text
    return answer.json()


def of(weeks: Weeks, *, group: bool) -> Weeks:
    """Only what members of the group did."""
    if not group:
        return weeks
    parts = (weeks.sessions, weeks.events, weeks.findings)
    mine = ([row for row in rows if row["user_id"] in weeks.members] for rows in parts)
    return Weeks(weeks.people, weeks.group, *mine)


@pytest.mark.parametrize("group", ["", "Sales", "sALES"])
def test_a_week_is_told_as_it_was(world: Any, job: httpx.Client, group: str) -> None:
    report = told(job, WEEKLY, **THIS, **({"group": group} if group else {}))
    weeks = of(world.weeks, group=bool(group))
    for name, place in (("now", 0), ("before", -1)):
        sessions = within(weeks.sessions, "uploaded_at", place)
        kpis = report["sessions"][name]
        assert kpis["sessions_total"] == len(sessions) > 0
        assert kpis["distinct_users"] == len({row["user_id"] for row in sessions})
        verdicts = Counter(row["verdict"] or "none" for row in sessions)
        assert {key: count for key, count in kpis["by_verdict"].items() if count} == verdicts
        calls = within(weeks.events, "occurred_at", place)
        failed = [row for row in calls if row["outcome"] == "error"]
        tools = report["tools"][name]
        assert (tools["events_total"], tools["errors"]) == (len(calls), len(failed))
        assert report["cost"][name]["sessions"] == len(sessions)
    for row in report["findings"]:
        for figures, place in ((row, 0), (row["before"], -1)):
            found = _found(weeks, place, row["finding_type"])
            assert figures["findings"] == len(found)
            assert figures["sessions"] == len({one["session_file"] for one in found})
    assert [row["finding_type"] for row in report["findings"]] == list(FINDING_TYPES)
    assert report["is_over"]
    assert len(report["heatmap"]["weeks"]) == 8
    assert (report["group"] or {}).get("people") == (2 if group else None)


def _found(weeks: Weeks, place: int, kind: str = "") -> list[Row]:
    keys = {row["session_file"] for row in within(weeks.sessions, "uploaded_at", place)}
    found = [row for row in weeks.findings if row["session_file"] in keys]
    return [row for row in found if row["finding_type"] == kind or not kind]


def test_what_is_used_and_what_fails_anew_is_counted(world: Any, job: httpx.Client) -> None:
    report = told(job, WEEKLY, **THIS)
    events = world.weeks.events
    calls, before = (
        Counter(row["tool_name"] for row in within(events, "occurred_at", place))
        for place in (0, -1)
    )
    assert {row["name"]: row["calls"] for row in report["used"]["tools"] if row["calls"]} == calls
    assert {
        row["name"]: row["before"] for row in report["used"]["tools"] if row["before"]
    } == before
    assert report["used"]["mcp"][0]["name"] == "agnes"
    old = within(events, "occurred_at", -4, span=4)
    failed_before = {row["tool_name"] for row in old if row["outcome"] == "error"}
    errors = Counter(
        row["tool_name"]
        for row in within(events, "occurred_at")
        if row["outcome"] == "error" and row["tool_name"] not in failed_before
    )
    assert {row["name"]: row["errors"] for row in report["failing"]} == errors


def test_a_tool_that_fails_for_the_first_time_in_four_weeks_is_named(
    tmp_path: Path,
) -> None:
    from tests.console.telemetry_place import event, write

    with World(tmp_path / "data") as world:
        day = timedelta(days=1)
        write(
            world,
            [
                event(WEEK + day, tool_name="Always", outcome="error", user_id="u"),
                event(WEEK - 28 * day, tool_name="Always", outcome="error", user_id="u"),
                event(WEEK + day, tool_name="Mended", outcome="error", user_id="u"),
                event(WEEK - 29 * day, tool_name="Mended", outcome="error", user_id="u"),
                event(WEEK - day, tool_name="Mended", user_id="u"),
                event(WEEK + day, tool_name="New", outcome="error", user_id="u"),
                event(WEEK + day, tool_name="Refused", outcome="user_rejected", user_id="u"),
            ],
        )
        failing = told(world.admin, WEEKLY, **THIS)["failing"]
        assert {row["name"]: row["is_new"] for row in failing} == {"Mended": False, "New": True}


def test_failures_are_grouped_and_the_worst_come_first(world: Any, job: httpx.Client) -> None:
    report, weeks = told(job, FAILURES, **THIS), world.weeks
    found = _found(weeks, 0)
    tools: dict[tuple[str, str], set[str]] = {}
    for call in weeks.events:
        if kind := TELLS.get(call["outcome"]):
            tools.setdefault((call["session_file"], kind), set()).add(call["tool_name"])
    groups: dict[Any, list[Row]] = {}
    for row in found:
        named = tools.get((row["session_file"], row["finding_type"]), set())
        tool = "several tools" if len(named) > 1 else next(iter(named), None)
        groups.setdefault((tool, row["finding_type"], row["subtype"]), []).append(row)
    shown = {(row["tool"], row["finding_type"], row["subtype"]): row for row in report["repeated"]}
    assert len(shown) == min(len(groups), 20)
    for key, row in shown.items():
        rows = groups[key]
        assert row["findings"] == len(rows)
        assert row["times"] == sum(one["count"] for one in rows)
        sessions = {one["session_file"] for one in rows}
        assert row["sessions"] == len(sessions)
        examples = [one["session_file"] for one in row["examples"]]
        assert len(examples) == len(set(examples)) == min(3, len(sessions))
        assert set(examples) <= sessions
    ranks = {"failed": 0, "struggled": 1}
    order = [(ranks.get(row["verdict"], 2), -len(row["findings"])) for row in report["worst"]]
    assert order == sorted(order)
    with_findings = [row for row in within(weeks.sessions, "uploaded_at") if row["findings"]]
    assert len(order) == min(10, len(with_findings))
    assert [rank for rank, _ in order].count(0) == sum(
        row["verdict"] == "failed" for row in with_findings
    )
    of_group = told(job, FAILURES, group="Sales", **THIS)
    assert {row["user_id"] for row in of_group["worst"]} <= set(weeks.members)
    theirs = within(of(weeks, group=True).sessions, "uploaded_at")
    assert of_group["sessions"]["sessions_total"] == len(theirs)
    assert sum(row["findings"] for row in of_group["repeated"]) == sum(
        row["findings"] for row in theirs
    )


def test_an_empty_week_and_an_empty_group_are_zero(world: Any, job: httpx.Client) -> None:
    for path in (WEEKLY, FAILURES):
        report = told(job, path, week="2001-01-01")
        kpis = report["sessions"]["now"] if path == WEEKLY else report["sessions"]
        assert kpis["sessions_total"] == 0
    world.admin.post("/api/admin/groups", json={"name": "Nobody"})
    report = told(job, WEEKLY, group="Nobody", **THIS)
    assert report["group"]["people"] == 0
    assert report["tools"]["now"]["events_total"] == 0


def test_without_a_word_it_is_the_last_week_that_is_over(world: Any, job: httpx.Client) -> None:
    report = told(job, WEEKLY)
    assert report["is_over"]
    week = now() - timedelta(days=now().weekday() + 7)
    assert report["week"] == week.date().isoformat()


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"week": "2024-03-05"}, 400),
        ({"week": "3024-03-01"}, 400),
        ({"group": "there is none"}, 404),
        ({"weeks": "1"}, 400),
    ],
)
def test_what_cannot_be_told_is_named(
    world: Any, job: httpx.Client, given: dict[str, str], status: int
) -> None:
    for path in (WEEKLY, FAILURES):
        answer = job.get(path, params=given)
        assert answer.status_code == status
        (name, value), *_ = given.items()
        assert name in answer.json()["error"] or value in answer.json()["error"]


def test_a_report_is_written_in_the_log_as_the_scheduler_s(world: Any, job: httpx.Client) -> None:
    told(job, WEEKLY, week="2002-01-07")
    for action in ("sessions.read", "telemetry.read"):
        row = world.last(action)
        assert row["params"] == {"endpoint": "reports/weekly", "week": "2002-01-07"}
        assert (row["user_id"], row["client_kind"]) == (None, "scheduler")


def test_nobody_but_jobs_and_admins_is_told(world: Any) -> None:
    with world.client(world.token(world.weeks.people[0])) as analyst:
        assert analyst.get(WEEKLY, params=THIS).status_code == 403
    assert told(world.admin, WEEKLY, **THIS)["sessions"]["now"]["sessions_total"]
