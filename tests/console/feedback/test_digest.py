"""The digest of a day counts what the inbox counts, and admins hear of it once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from console.audit import new_id, now
from console.feedback.digest import OLDEST, TITLE
from schema.tables import JOB_RUNS, NOTIFICATIONS
from schema.transaction import Rows
from tests.console.access_world import World
from tests.console.feedback.days_place import (
    DAY,
    EXCERPT,
    NOW,
    PATH,
    THE_DAY,
    Days,
    fill,
    morning,
)
from tests.console.feedback.reports_place import INBOX, sent

HOUR = timedelta(hours=1)
PATIENCE = 120.0


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with morning(), World(tmp_path_factory.mktemp("digest") / "data") as world:
        yield world


@pytest.fixture(scope="module")
def days(world: World) -> Days:
    return fill(world, 5)


@pytest.fixture
def run(world: World) -> str:
    """A run of the job that is going on."""
    id = new_id()
    row = {"id": id, "job_name": "feedback_digest", "queued_at": now(), "status": "running"}
    world.store.write(Rows(JOB_RUNS, [row])).result()
    return id


def job(world: World, run: str = "run") -> httpx.Client:
    client = world.client(world.gate.passes.issue(run, lifetime=HOUR))
    client.headers["X-Correlation-ID"] = run
    client.timeout = PATIENCE  # a dozen questions that nobody has asked before
    return client


@pytest.fixture(scope="module")
def told(world: World, days: Days) -> dict[str, Any]:
    with job(world) as client:
        answer = client.get(PATH)
    assert answer.status_code == 200, answer.text
    assert EXCERPT not in answer.text
    found: dict[str, Any] = answer.json()
    return found


def ids(listed: dict[str, Any]) -> set[str]:
    assert listed["total"] == len(listed["rows"])
    return {row["id"] for row in listed["rows"]}


def test_a_day_is_told_as_it_was(told: dict[str, Any], days: Days) -> None:
    assert (told["day"], told["is_over"]) == (days.day.date().isoformat(), True)
    groups = days.groups()
    firsts = {head: min(row["created_at"] for row in rows) for head, rows in groups.items()}
    of_day = {
        head
        for head, rows in groups.items()
        if any(days.is_of_day(row["created_at"]) for row in rows)
    }
    assert ids(told["new"]) == {head for head in of_day if days.is_of_day(firsts[head])}
    assert ids(told["again"]) == of_day - ids(told["new"])
    back = {
        row["merged_into"] or row["id"]
        for note in days.history
        if note["change"].startswith('{"what":"reopened"') and days.is_of_day(note["at"])
        for row in days.reports
        if row["id"] == note["report_id"]
    }
    assert ids(told["reopened"]) == back
    assert ids(told["closed"]) == {
        head for head in groups if days.is_of_day(days.head(head)["resolved_at"])
    }
    waiting = [head for head in groups if days.head(head)["status"] in ("open", "triaged")]
    waiting.sort(key=lambda head: (firsts[head], head))
    assert [row["id"] for row in told["oldest"]["rows"]] == waiting[:OLDEST]
    assert told["open"]["groups"] == len(waiting)
    for part in ("new", "again", "reopened", "closed"):
        assert told[part]["total"] > 2, "the days have some of each"
    for row in told["new"]["rows"]:
        assert len(row["title"]) <= TITLE
        assert "\n" not in row["title"]
    counts = {
        (days.day - n * DAY).date().isoformat(): sum(
            (days.day - n * DAY) <= row["created_at"] < (days.day - (n - 1) * DAY)
            for row in days.reports
        )
        for n in range(30)
    }
    assert {row["day"]: row["reports"] for row in told["days"]} == counts


def test_its_figures_are_those_of_the_inbox(world: World, told: dict[str, Any], days: Days) -> None:
    end = days.day + DAY - timedelta(microseconds=1)
    window = {"since": days.day.isoformat() + "Z", "until": end.isoformat() + "Z"}

    def get(what: str, **params: str) -> dict[str, Any]:
        answer = world.admin.get(f"{INBOX}/{what}", params=params, timeout=PATIENCE)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    assert told["all"] == get("kpis")
    assert told["came"] == get("kpis", **window)
    assert told["open"]["oldest_open_at"] == told["all"]["oldest_open_at"]
    parts = {
        "came": [get("facets", **window)],
        "open": [get("facets", status=status) for status in ("open", "triaged")],
        "all": [get("facets")],
    }
    for facet in ("category", "tag", "finding"):
        rows = {row["value"]: row for row in told["by"][facet]}
        assert rows
        for part, answers in parts.items():
            wanted: dict[Any, int] = dict.fromkeys(rows, 0)
            for value in (value for answer in answers for value in answer[facet]):
                wanted[value["value"]] += value["count"]
            assert {value: row[part] for value, row in rows.items()} == wanted


def test_admins_hear_of_the_last_day_once_and_only_from_the_job(
    world: World, days: Days, told: dict[str, Any], run: str
) -> None:
    linked = world.user(is_admin=True)
    link = {"user_id": linked, "chat_id": 9}
    world.admin.post("/api/admin/telegram/links", json=link).raise_for_status()
    before = (days.day - DAY).date().isoformat()

    def tell(as_run: str, **given: str) -> int:
        with job(world, as_run) as client:
            answer = client.post(PATH, json=given)
            assert answer.status_code == 200, answer.text
            return int(answer.json()["told"])

    assert tell("another", day=told["day"]) == 0  # no run of this job
    assert tell(run, day=before) == 0  # somebody wanted to see an old day
    assert tell(run) == 2
    assert tell(run) == 0
    rows = world.rows(NOTIFICATIONS, kind="report.digest")
    ways = {row["user_id"]: (row["channel"], row["state"]) for row in rows}
    assert ways == {world.admin_id: ("console", "new"), linked: ("telegram", "held")}
    counts = {part: told[part]["total"] for part in ("new", "again", "reopened", "closed")}
    assert {row["subject"] for row in rows} == {
        f"Reports of {told['day']}: {counts['new']} new, {counts['again']} reported again,"
        f" {counts['reopened']} back after they were resolved, {counts['closed']} closed;"
        f" {told['open']['groups']} wait"
    }
    assert {row["link"] for row in rows} == {f"/admin/jobs?run={run}"}


def test_who_may_ask_and_for_which_day(world: World, days: Days) -> None:
    with world.client(world.token(world.user())) as analyst:
        assert analyst.get(PATH).status_code == 403
    with job(world) as client:
        tomorrow = (NOW + DAY).date().isoformat()
        for text in ("2026-02-30", "20260201", tomorrow, "1999-12-31"):
            answer = client.get(PATH, params={"day": text})
            assert answer.status_code == 400
            assert text in answer.json()["error"]
        assert client.get(PATH, params={"week": "1"}).status_code == 400
        client.get(PATH, params={"day": "2001-02-03"}).raise_for_status()
    row = world.last("feedback.read")
    assert row["params"] == {"endpoint": "reports/feedback", "day": "2001-02-03"}
    assert (row["user_id"], row["client_kind"]) == (None, "scheduler")


def test_of_a_day_on_which_nothing_was_reported_nobody_hears(tmp_path: Any) -> None:
    with morning(), World(tmp_path / "data") as world:
        row: dict[str, Any] = {"id": new_id(), "job_name": "feedback_digest", "queued_at": now()}
        world.store.write(Rows(JOB_RUNS, [{**row, "status": "running"}])).result()
        sent(world.admin, "of today")  # not of the day that is over
        with job(world, row["id"]) as client:
            found = client.get(PATH).json()
            assert found["came"]["groups"] == 0
            assert (found["all"]["groups"], found["day"]) == (1, THE_DAY.date().isoformat())
            assert client.post(PATH, json={}).json() == {"told": 0}
        assert world.rows(NOTIFICATIONS, kind="report.digest") == []
