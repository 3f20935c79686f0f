"""`/api/admin/jobs` over HTTP, with a stand-in for the processes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from console.audit import RecentReads, new_id, now
from console.jobs.dispatcher import Dispatcher
from console.jobs.runner import Outcome
from schema.tables import JOB_RUNS, TABLE_REGISTRY
from schema.transaction import Rows
from tests.console.access_world import World
from tests.console.jobs.jobs_place import Puppet, notebooks

RUNS = "/api/admin/jobs/runs"


@pytest.fixture
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("jobs")
    named = notebooks(folder / "notebooks")
    with World(folder / "data", AGNES_NOTEBOOKS=named) as world:
        world.instance.recent_reads = RecentReads()

        async def prepare() -> None:
            puppets.append(Puppet(world.instance))
            world.instance.jobs = Dispatcher(world.instance, puppets[0])
            await world.instance.jobs.open(world.address)

        puppets: list[Puppet] = []
        asyncio.run_coroutine_threadsafe(prepare(), world._loop).result(10)
        world.puppet = puppets[0]  # type: ignore[attr-defined]
        yield world


def ask(world: World, job: str = "tidy", **parameters: Any) -> str:
    answer = world.admin.post(f"/api/admin/jobs/{job}/run", json={"parameters": parameters})
    assert answer.status_code == 202, answer.text
    assert answer.json().keys() == {"run_id"}
    return str(answer.json()["run_id"])


def end(world: World, run: str, outcome: Outcome | None = None) -> dict[str, Any]:
    puppet: Puppet = world.puppet  # type: ignore[attr-defined]
    world._loop.call_soon_threadsafe(puppet.end, outcome)
    return over(world, run)


def over(world: World, run: str) -> dict[str, Any]:
    until = time.monotonic() + 10
    while (row := get(world, f"{RUNS}/{run}"))["status"] in ("queued", "running"):
        assert time.monotonic() < until, row
        time.sleep(0.01)
    return row


def get(world: World, path: str, **params: Any) -> dict[str, Any]:
    answer = world.admin.get(path, params=params)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_the_list_says_what_runs_when_and_how_it_went(world: World) -> None:
    run = ask(world)
    answer = get(world, "/api/admin/jobs")
    assert answer.keys() == {"rows", "total", "limit", "offset", "next_offset"}
    tidy, sweep, nightly = answer["rows"]
    assert (tidy["name"], tidy["title"], tidy["notebook"]) == ("tidy", "Tidy up", "tidy.ipynb")
    assert (tidy["schedule"], tidy["interval"], tidy["cron"]) == ("every 10 min", 600, None)
    assert tidy["parameters"] == {"days": 7, "deep": False, "names": [], "share": 0.5}
    assert (tidy["running"], tidy["last_run"]["id"]) == (run, run)
    assert datetime.fromisoformat(tidy["next_run"]).second == 0
    assert tidy["pending"] is None
    assert (sweep["pending"], sweep["last_run"]) == (0, None)
    assert (nightly["schedule"], nightly["cron"]) == ("cron 15 3 * * * (UTC)", "15 3 * * *")
    row = end(world, run)
    skipped = {"id": new_id(), "job_name": "tidy", "status": "skipped", "queued_at": now()}
    world.store.write(Rows(JOB_RUNS, [skipped])).result()
    tidy = get(world, "/api/admin/jobs")["rows"][0]
    assert (tidy["running"], tidy["last_run"]["id"]) == (None, run)
    assert tidy["last_beat"] > row["queued_at"]


def test_a_run_has_one_shape_in_lists_and_alone(world: World) -> None:
    run = ask(world, days=1)
    row = end(world, run, Outcome("failed", "cell 2 failed: KeyError: 1", 2))
    assert (row["job"], row["status"], row["trigger"]) == ("tidy", "failed", "asked")
    assert (row["requested_by"], row["requested_email"]) == (world.admin_id, "root@example.org")
    assert row["parameters"]["days"] == 1
    assert row["error"] == "cell 2 failed: KeyError: 1"
    assert isinstance(row["duration_ms"], int)
    assert row["files"] == {"notebook": False, "html": False, "log": False, "figures": []}
    (listed,) = get(world, RUNS)["rows"]
    assert {**listed, "files": row["files"]} == row


def test_runs_are_filtered_and_paged(world: World) -> None:
    made = [
        {"id": new_id(), "job_name": job, "status": status, "queued_at": now(), "attempt": 1}
        for job in ("tidy", "sweep")
        for status in ("ok", "failed", "ok")
    ]
    world.store.write(Rows(JOB_RUNS, made)).result()
    assert get(world, RUNS)["total"] == 6
    assert get(world, RUNS, job="tidy", status="ok")["total"] == 2
    first = get(world, RUNS, limit=4)
    rest = get(world, RUNS, limit=4, offset=first["next_offset"])
    ids = [row["id"] for row in [*first["rows"], *rest["rows"]]]
    assert ids == [row["id"] for row in reversed(made)]
    assert rest["next_offset"] is None


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "says"),
    [
        ("POST", "/api/admin/jobs/tidies/run", {}, 404, "no job 'tidies'"),
        ("POST", "/api/admin/jobs/tidy/run", {"parameters": {"weeks": 1}}, 400, "weeks"),
        ("POST", "/api/admin/jobs/tidy/run", {"parameters": []}, 400, "parameters"),
        ("POST", "/api/admin/jobs/tidy/run", {"parameter": {}}, 400, "parameters"),
        ("GET", f"{RUNS}?status=done", None, 400, "queued, running, ok"),
        ("GET", f"{RUNS}?job=tidies", None, 404, "tidies"),
        ("GET", f"{RUNS}?limit=1001", None, 400, "limit"),
        ("GET", f"{RUNS}?since=1", None, 400, "since"),
        ("GET", f"{RUNS}/no-such-run", None, 404, "no-such-run"),
        ("GET", f"{RUNS}/no-such-run/notebook", None, 404, "no-such-run"),
        ("GET", f"{RUNS}/no-such-run/figures/01.png", None, 404, "no-such-run"),
        ("POST", f"{RUNS}/no-such-run/cancel", {}, 404, "no-such-run"),
        ("POST", f"{RUNS}/no-such-run/retry", {}, 404, "no-such-run"),
    ],
)
def test_what_cannot_be_done_is_named(
    world: World, method: str, path: str, body: Any, status: int, says: str
) -> None:
    answer = world.admin.request(method, path, json=body)
    assert answer.status_code == status
    assert says in answer.json()["error"]
    assert world.rows(JOB_RUNS) == []


def test_a_second_run_of_a_job_is_refused_until_the_first_has_ended(world: World) -> None:
    run = ask(world)
    answer = world.admin.post("/api/admin/jobs/tidy/run")
    assert answer.status_code == 409
    assert run in answer.json()["error"]
    assert world.admin.post(f"{RUNS}/{run}/retry").status_code == 409
    end(world, run)
    again = world.admin.post(f"{RUNS}/{run}/retry").json()
    assert again["attempt"] == 2
    assert end(world, again["run_id"])["attempt"] == 2
    assert world.admin.post(f"{RUNS}/{run}/cancel").status_code == 409


def test_a_refusal_stands_in_the_log_as_the_run_it_would_have_been(world: World) -> None:
    analyst = world.user()
    with world.client(world.token(analyst)) as somebody:
        assert somebody.post("/api/admin/jobs/tidy/run").status_code == 403
    assert world.last("run_job:tidy")["result"] == "denied"
    run = ask(world)
    world.admin.post("/api/admin/jobs/tidy/run")
    assert world.last("run_job:tidy")["result"] == "error.conflict"
    world.admin.post(f"{RUNS}/{run}/retry")
    refused = world.last("run_job:tidy")
    assert (refused["result"], refused["user_id"]) == ("error.conflict", world.admin_id)
    assert refused["resource"] == f"{RUNS}/{run}/retry"


def test_a_run_can_be_cancelled_while_it_waits_and_while_it_runs(world: World) -> None:
    running, waiting = ask(world), ask(world, "sweep")
    answer = world.admin.post(f"{RUNS}/{waiting}/cancel")
    assert (answer.status_code, answer.json()) == (
        202,
        {"run_id": waiting, "status": "cancelled"},
    )
    assert get(world, f"{RUNS}/{waiting}")["status"] == "cancelled"
    answer = world.admin.post(f"{RUNS}/{running}/cancel")
    assert answer.json()["status"] in ("cancelling", "cancelled")  # a puppet ends at once
    assert over(world, running)["status"] == "cancelled"
    assert [row["params"]["run_id"] for row in world.log("job.cancel")] == [waiting, running]


def test_reading_is_noted_once_a_minute_and_polling_does_not_flood(world: World) -> None:
    for _ in range(3):
        get(world, "/api/admin/jobs")
        get(world, RUNS, job="tidy", limit=1)
        get(world, RUNS, job="tidy", limit=2)
    assert [row["params"] for row in world.log("jobs.read")] == [
        {"endpoint": "/api/admin/jobs"},
        {"endpoint": RUNS, "job": "tidy"},
    ]


def test_a_job_sees_its_own_endpoints_and_no_admin_s(world: World) -> None:
    run = ask(world)
    puppet: Puppet = world.puppet  # type: ignore[attr-defined]
    while not puppet.orders:
        time.sleep(0.01)
    with world.client(puppet.orders[0].secret) as kernel:
        assert kernel.post("/api/sync/trigger", json={"due": True}).json()["attempts"] == []
        for path in ("/api/admin/jobs", RUNS, f"{RUNS}/{run}", "/api/me"):
            assert kernel.get(path).status_code == 403
        assert kernel.post("/api/admin/jobs/sweep/run").status_code == 403
        end(world, run)
        assert kernel.post("/api/sync/trigger").status_code == 401


def test_tables_that_are_due_are_pending(world: World) -> None:
    base = {"created_at": now(), "name": "t", "source_type": "files", "query_mode": "local"}
    rows = [{**base, "id": "orders", "schedule": "every 1d"}, {**base, "id": "manual"}]
    world.store.write(Rows(TABLE_REGISTRY, rows)).result()
    assert get(world, "/api/admin/jobs")["rows"][1]["pending"] == 1
