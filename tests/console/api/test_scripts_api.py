"""Scripts: who registers them, which files can be, and that they run as their owner when due."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import orjson
import psutil
import pytest

from console.audit import now
from console.jobs.dispatcher import Active
from console.jobs.due import beat
from console.jobs.records import Run
from console.jobs.scripts import due, next_due
from schema.tables import USERS
from tests.console.access_world import World
from tests.console.audit_log import ACTIVITY, ask
from tests.console.jobs.jobs_place import notebooks

SCRIPTS_AT, DUE = "/api/admin/scripts", "/api/scripts/run-due"
WHO = """
import os, sys
from console.client import connect
with connect() as client:
    print("I am", client.me()["email"])
print("with", [name for name in os.environ if name.startswith("ANTHROPIC")])
sys.exit({code})
"""
LEAVES = """
import subprocess, sys
left = [sys.executable, "-c", "import time; time.sleep(60)"]
for apart in (False, True):
    print(subprocess.Popen(left, start_new_session=apart).pid)
"""
GREEDY = "kept = bytearray(600 << 20)\n"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("scripts")
    place = folder / "allowed"
    place.mkdir()
    (place / "who.py").write_text(WHO.format(code=0))
    (place / "quick.py").write_text("")
    (place / "bad.py").write_text(WHO.format(code=3))
    (place / "greedy.py").write_text(GREEDY)
    (place / "leaves.py").write_text(LEAVES)
    (place / "below").mkdir()
    (place / "below" / "one.ipynb").write_text("{}")
    (folder / "outside.py").write_text("")
    (place / "link.py").symlink_to(folder / "outside.py")
    given = {
        "AGNES_SCRIPTS_DIR": str(place),
        "AGNES_NOTEBOOKS": notebooks(folder / "notebooks"),
        "ANTHROPIC_API_KEY": "not to be handed on",
    }
    with World(folder / "data", **given) as world:
        on(world, world.instance.jobs.open(world.address))
        yield world
        on(world, world.instance.jobs.close())


@pytest.fixture(autouse=True)
def none_left(world: World) -> Iterator[None]:
    """Jobs of the schedule have all run, and no script of an earlier test is there."""
    yield
    for row in world.admin.get(SCRIPTS_AT).json()["rows"]:
        world.admin.delete(f"{SCRIPTS_AT}/{row['id']}")


def on(world: World, work: Any) -> Any:
    return asyncio.run_coroutine_threadsafe(work, world._loop).result(60)


def made(world: World, name: str, path: str, **more: Any) -> dict[str, Any]:
    answer = world.admin.post(SCRIPTS_AT, json={"name": name, "path": path, **more})
    assert answer.status_code == 201, answer.text
    row: dict[str, Any] = answer.json()
    return row


def log_of(world: World, run: str) -> str:
    return world.admin.get(f"/api/admin/jobs/runs/{run}/log").text


def events(world: World, action: str) -> list[dict[str, Any]]:
    rows = ask(world.admin, ACTIVITY, {"action_in": action, "limit": "5"})["rows"]
    return [{**row, "params": orjson.loads(row["params"] or "{}")} for row in rows]


def test_what_is_due_runs_as_its_owner_and_only_once(world: World) -> None:
    owner = world.user("ana@example.org")
    made(world, "who", "who.py", owner=owner, schedule="every 1h", description="says who")
    made(world, "bad", "bad.py", schedule="every 1d")
    made(world, "by-hand", "who.py")
    answer = world.admin.post(DUE)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    (ran,) = [row for row in told["ran"] if row["name"].startswith("script.")]
    (failed,) = told["failed"]
    assert (ran["name"], ran["status"]) == ("script.who", "ok")
    assert (failed["name"], "ended with 3" in failed["error"]) == ("script.bad", True)
    said = log_of(world, ran["run_id"])
    assert "I am ana@example.org" in said
    assert "with []" in said
    run = world.admin.get(f"/api/admin/jobs/runs/{ran['run_id']}").json()
    assert (run["job"], run["files"]["log"], run["duration_ms"] > 0) == ("script.who", True, True)
    mine = ask(world.admin, ACTIVITY, {"correlation_id": ran["run_id"], "limit": "9"})["rows"]
    assert {row["client_kind"] for row in mine} == {"scheduler"}
    tick = events(world, "script_runner.tick")[0]
    assert tick["params"]["ran"] == ["script.who"]
    assert tick["params"]["failed"] == ["script.bad"]
    assert tick["duration_ms"] is not None

    again = world.admin.post(DUE).json()
    assert again == {"ok": True, "ran": [], "skipped": again["skipped"], "failed": []}
    listed = world.admin.get("/api/admin/jobs/runs", params={"job": "script.who"}).json()
    assert listed["total"] == 1
    row = world.admin.get(SCRIPTS_AT, params={"q": "says"}).json()["rows"][0]
    assert (row["name"], row["last_run"]["status"]) == ("who", "ok")
    assert row["owner_email"] == "ana@example.org"
    assert row["next_due"] > row["last_run"]["queued_at"]


def test_who_asks_at_the_same_time_runs_nothing_twice(world: World) -> None:
    for number in range(3):
        made(world, f"one-{number}", "quick.py", schedule="every 1h")
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda turn: world.admin.post(DUE).json(), range(4)))
    ran = [row["name"] for answer in answers for row in answer["ran"]]
    assert sorted(ran) == ["script.one-0", "script.one-1", "script.one-2"]
    assert [answer["failed"] for answer in answers] == [[]] * 4


def test_nobody_runs_as_somebody_who_was_deactivated(world: World) -> None:
    owner = world.user("gone@example.org")
    row = made(world, "orphan", "who.py", owner=owner, schedule="every 1h")
    world.store.write(
        lambda transaction: transaction.update(USERS, {"id": owner}, {"is_active": False})
    ).result()
    (one,) = world.admin.post(DUE).json()["skipped"]
    assert one["name"] == "script.orphan"
    assert "gone@example.org is deactivated" in one["reason"]
    (run,) = world.admin.get("/api/admin/jobs/runs", params={"job": "script.orphan"}).json()["rows"]
    assert run["status"] == "skipped"
    assert "gone@example.org is deactivated" in run["error"]
    now_too = world.admin.post(f"{SCRIPTS_AT}/{row['id']}/run")
    assert now_too.status_code == 409
    assert "deactivated" in now_too.json()["error"]
    as_job = world.admin.post("/api/admin/jobs/script.orphan/run", json={})
    again = world.admin.post(f"/api/admin/jobs/runs/{run['id']}/retry", json={})
    assert [as_job.status_code, again.status_code] == [409, 409]
    assert "deactivated" in as_job.json()["error"]


def test_a_script_that_still_runs_when_it_is_due_is_told_once(world: World) -> None:
    made(world, "going", "who.py", schedule="every 1h")
    held = world.instance.jobs._active
    held["script.going"] = Active(Run("script.going"), world.instance.jobs.job("tidy"))
    try:
        (one,) = world.admin.post(DUE).json()["skipped"]
        assert "a run that is not over" in one["reason"]
        assert world.admin.post(DUE).json()["skipped"] == []
    finally:
        del held["script.going"]


def test_nothing_that_a_script_began_goes_on_without_it(world: World) -> None:
    made(world, "leaves", "leaves.py", schedule="every 1h")
    (run,) = world.admin.post(DUE).json()["ran"]
    left = [int(line) for line in log_of(world, run["run_id"]).split() if line.isdigit()]
    assert len(left) == 2
    assert not any(psutil.pid_exists(number) for number in left)


def test_a_pass_of_a_script_opens_what_its_owner_may_open(world: World) -> None:
    owner = world.user("sol@example.org")
    passes = world.gate.passes
    secret = passes.issue("a run", lifetime=timedelta(minutes=1), owner=owner)
    with world.client(secret) as script:
        assert script.get("/api/me").json()["email"] == "sol@example.org"
        assert script.get("/api/admin/users").status_code == 403
        assert script.post("/api/jobs/pending", json={}).status_code == 403
        world.store.write(
            lambda transaction: transaction.update(USERS, {"id": owner}, {"is_active": False})
        ).result()
        assert script.get("/api/me").status_code == 401
    passes.end("a run")
    with world.client(secret) as script:
        assert script.get("/api/me").status_code == 401


def test_a_script_has_no_more_memory_and_time_than_it_was_given(world: World) -> None:
    world.admin.post(DUE)
    row = made(world, "greedy", "greedy.py", memory_mb=256)
    run = world.admin.post(f"{SCRIPTS_AT}/{row['id']}/run").json()["run_id"]
    (world.settings.folder.parent / "allowed" / "slow.py").write_text("import time; time.sleep(60)")
    slow = made(world, "slow", "slow.py", timeout_seconds=1, schedule="every 5m")
    told = world.admin.post(DUE).json()  # also waits for its turn
    (late,) = told["failed"]
    assert (late["name"], late["error"]) == (
        "script.slow",
        "it took longer than 1 s and was stopped",
    )
    assert "MemoryError" in log_of(world, run)
    assert world.admin.get(f"{SCRIPTS_AT}/{slow['id']}").json()["last_run"]["status"] == "failed"


def test_the_servers_own_clock_begins_scripts_and_says_so_once(world: World) -> None:
    made(world, "ticks", "who.py", schedule="every 1h")
    before = len(events(world, "script_runner.tick"))
    on(world, beat(world.instance))
    on(world, beat(world.instance))
    found = events(world, "script_runner.tick")
    assert len(found) == min(5, before + 1)
    assert (found[0]["params"], found[0]["client_kind"]) == ({"ran": ["script.ticks"]}, "scheduler")
    world.admin.post(DUE)  # waits for nothing; the run is over when the dispatcher closes


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"path": "nowhere.py"}, "no such file"),
        ({"path": "../outside.py"}, "without `..`"),
        ({"path": "link.py"}, "symlinks are not followed"),
        ({"path": "below"}, "ends in .ipynb or .py"),
        ({"path": "/etc/passwd"}, "ends in .ipynb or .py"),
        ({"path": "/etc/x.py"}, "a file inside"),
        ({"name": "Not A Name"}, "lower-case"),
        ({"name": "../x"}, "lower-case"),
        ({"schedule": "now and then"}, "every <n>m"),
        ({"schedule": "0 0 31 2 *"}, "never does"),
        ({"timeout_seconds": 0}, "from 1 to 86400"),
        ({"memory_mb": 10**9}, "from 256 to 65536"),
        ({"memory_mb": True}, "memory_mb=True"),
        ({"enabled": "yes"}, "enabled=yes"),
        ({"file": "who.py"}, "unknown key file"),
    ],
)
def test_what_cannot_be_registered_is_named(world: World, given: Any, says: str) -> None:
    answer = world.admin.post(SCRIPTS_AT, json={"name": "n", "path": "who.py", **given})
    assert answer.status_code == 400, answer.text
    assert says in answer.json()["error"].replace("'", "")
    assert world.admin.get(SCRIPTS_AT).json()["total"] == 0


def test_registering_changing_and_removing_stand_in_the_log(world: World) -> None:
    row = made(world, "kept", "below/one.ipynb", schedule="15 3 * * *")
    assert (row["timeout_seconds"], row["memory_mb"], row["enabled"]) == (1800, 4096, True)
    assert row["next_due"].endswith("03:15:00Z")
    assert row["owner"] == world.admin_id
    taken = world.admin.post(SCRIPTS_AT, json={"name": "kept", "path": "who.py"})
    assert taken.status_code == 409
    nobody = world.admin.post(SCRIPTS_AT, json={"name": "x", "path": "who.py", "owner": "nobody"})
    assert nobody.status_code == 404
    at = f"{SCRIPTS_AT}/{row['id']}"
    changed = world.admin.patch(at, json={"schedule": "", "enabled": False, "path": "who.py"})
    assert (changed.json()["schedule"], changed.json()["next_due"]) == (None, None)
    (said, *_) = events(world, "scripts.update")
    assert said["resource"] == f"script:{row['id']}"
    assert orjson.loads(said["params_before"]) == {
        "schedule": "15 3 * * *",
        "enabled": True,
        "path": "below/one.ipynb",
    }
    assert world.admin.patch(at, json={}).status_code == 400
    assert world.admin.delete(at).status_code == 204
    assert world.admin.get(at).status_code == 404
    assert events(world, "scripts.delete")[0]["params"]["name"] == "kept"


def test_a_file_that_went_away_fails_and_is_not_tried_at_each_beat(world: World) -> None:
    file = Path(world.settings.scripts_dir) / "short.py"
    file.write_text("")
    made(world, "short", "short.py", schedule="every 1h")
    os.unlink(file)
    (one,) = world.admin.post(DUE).json()["failed"]
    assert "no such file" in one["error"]
    assert world.admin.post(DUE).json()["failed"] == []


def test_when_a_script_is_due() -> None:
    at = now().replace(hour=12, minute=0, second=0, microsecond=0)
    row = {
        "enabled": True,
        "schedule": "every 1h",
        "last_queued_at": None,
        "created_at": at - timedelta(hours=2),
    }
    nightly = {**row, "schedule": "0 3 * * *"}
    assert due(row, at)
    assert next_due(row, at) == at
    assert not due({**row, "enabled": False}, at)
    assert not due({**row, "schedule": None}, at)
    assert not due({**row, "last_queued_at": at - timedelta(minutes=59)}, at)
    assert due({**row, "last_queued_at": at - timedelta(minutes=60)}, at)
    assert not due(nightly, at)
    assert next_due(nightly, at) == at.replace(hour=3) + timedelta(days=1)
    assert due(nightly, at + timedelta(hours=16))


def test_an_analyst_neither_registers_nor_runs(world: World) -> None:
    with world.client(world.token(world.user())) as analyst:
        answers: list[httpx.Response] = [analyst.post(DUE), analyst.get(SCRIPTS_AT)]
    assert [answer.status_code for answer in answers] == [403, 403]
