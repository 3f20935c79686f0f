"""The server's own health: what it tells of itself is what there is, and it costs next to
nothing."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import ibis
import ibis.expr.types as ir
import pytest

from console.audit import now
from console.health import machine
from console.health.samples import Sample, Samples
from schema.table import rows_of
from schema.tables import AUDIT_LOG, NOTIFICATIONS, SESSION_FILES, USERS
from schema.transaction import Rows
from schema.watch import Watch, named
from tests.console.audit_log import event
from tests.whole_server import WholeServer

SERVER = "/api/admin/server"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeServer]:
    with WholeServer(tmp_path_factory.mktemp("health") / "data") as server:
        yield server


@pytest.fixture(scope="module")
def boss(server: WholeServer) -> str:
    return server.person("boss", is_admin=True)


@pytest.fixture(scope="module")
def admin(server: WholeServer, boss: str) -> Iterator[httpx.Client]:
    with server.client(server.token(boss)) as client:
        yield client


def told(admin: httpx.Client) -> dict[str, Any]:
    answer = admin.get(SERVER)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def waiting(admin: httpx.Client) -> dict[str, int]:
    return {queue["name"]: queue["waiting"] for queue in told(admin)["queues"]}


def test_what_waits_is_counted(server: WholeServer, admin: httpx.Client, boss: str) -> None:
    before = waiting(admin)
    file = {"session_file": f"{boss}/a.jsonl", "user_id": boss, "uploaded_at": now(), "sha256": "a"}
    message = {"id": "m", "created_at": now(), "channel": "telegram", "state": "held"}
    server.instance.store.write(
        Rows(SESSION_FILES, [file]), Rows(NOTIFICATIONS, [message])
    ).result()
    server.instance.questions.waiting += 2
    after = waiting(admin)
    server.instance.questions.waiting -= 2
    assert {name: after[name] - before[name] for name in after} == {
        "processing": 1,
        "indexing": 1,
        "runs": 0,
        "questions": 2,
        "messages": 1,
        "writes": 0,
    }


def test_the_slowest_answers_of_a_day_are_told_and_nothing_that_runs_by_itself(
    server: WholeServer, admin: httpx.Client, boss: str
) -> None:
    at = now()
    rows = [
        event(at, action="query.local", user_id=boss, duration_ms=70_001),
        event(at - timedelta(hours=25), action="query.local", duration_ms=90_000),
        event(at, action="run_job:rollups", duration_ms=80_000),
    ]
    server.instance.store.write(Rows(AUDIT_LOG, rows)).result()
    slow = told(admin)["slow"]["actions"]
    assert (slow[0]["duration_ms"], slow[0]["user_email"]) == (70_001, "boss@example.org")
    assert all(row["duration_ms"] <= 70_001 for row in slow)


def slowly() -> ir.Table:
    return rows_of(USERS).aggregate(people=ibis._.count())


def test_a_slow_question_is_remembered_by_its_name(
    server: WholeServer, admin: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("schema.watch.SLOW", 0.0)
    server.instance.store.rows(slowly)
    server.instance.store.rows(slowly)
    monkeypatch.undo()
    found = {row["question"]: row["times"] for row in told(admin)["slow"]["questions"]}
    assert named(slowly) == "test_server_health.slowly"
    server.instance.store.watch.slow.clear()
    assert found.get("test_server_health.slowly") == 2


def test_busy_readers_are_counted_as_long_as_they_read() -> None:
    watch = Watch()
    marks = [watch.begin(), watch.begin()]
    assert watch.busy == 2
    watch.end(marks[0])
    assert watch.busy == 1


def test_its_processes_are_told_with_what_they_are() -> None:
    command = [sys.executable, "-c", "print(flush=True); input()", "ingest.indexer"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout
        child.stdout.readline()  # it is at work by now
        (found,) = [one for one in machine.children() if one["pid"] == child.pid]
        assert found["what"] == "indexes of transcripts"
        assert found["memory"] > 1 << 20
        assert abs((now() - found["started_at"]).total_seconds()) < 60
        child.communicate()
    assert child.pid not in [one["pid"] for one in machine.children()]


def test_folders_are_counted_beside_and_never_through_links(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "one").write_bytes(b"x" * 10)
    (tmp_path / "a" / "b" / "two").write_bytes(b"x" * 5)
    (tmp_path / "a" / "etc").symlink_to("/etc")
    sizes, folders = machine.Sizes(), {"here": tmp_path / "a", "gone": tmp_path / "gone"}
    first = sizes.of(folders)
    until = time.monotonic() + 20
    while sizes.of(folders)["gone"] is None and time.monotonic() < until:
        time.sleep(0.01)
    assert first in ({"here": None, "gone": None}, {"here": (15, 2), "gone": (0, 0)})
    assert sizes.of(folders) == {"here": (15, 2), "gone": (0, 0)}


def test_a_clock_that_was_set_is_noticed() -> None:
    samples, at = Samples(), now()
    first = Sample(at, 100.0, 1, 10, 0)
    assert Samples._jump(first, Sample(at + timedelta(seconds=30), 130.0, 1, 40, 0)) == 0
    assert Samples._jump(first, Sample(at - timedelta(seconds=60), 130.0, 1, 40, 0)) == -90
    samples.all.append(first)
    assert samples.rate(Sample(at, 130.0, 1, 40, 0)) == 1.0
    assert Samples().rate(first) is None


def test_the_read_stands_in_the_log(server: WholeServer, admin: httpx.Client) -> None:
    told(admin)
    asked = {"action_in": "activity.read", "include_self_reads": "true", "q": '"server"'}
    rows = admin.get("/api/admin/activity", params=asked).json()["rows"]
    assert rows
    assert rows[0]["client_kind"] == "cli"


# The page


def test_the_page_tells_what_is_wrong_and_takes_a_backup_without_scripts(
    server: WholeServer, boss: str, admin: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGNES_BACKUPDIR", "/backups")
    with server.client(cookies=server.cookie(boss)) as browser:
        page = browser.get("/admin/health")
        assert page.status_code == 200
        assert "AGNES_BACKUPDIR is no setting; did you mean AGNES_BACKUP_DIR?" in page.text
        assert "There is none in" in page.text
        browser.get("/logout")
        form = {"_xsrf": browser.cookies["_xsrf"], "do": "backup"}
        done = browser.post("/admin/health/act", data=form)
        assert (done.status_code, done.headers["location"]) == (303, "/admin/health")
        page = browser.get("/admin/health")
        assert browser.get("/admin/health?x=1").status_code == 400
    (made,) = admin.get("/api/admin/backups").json()["rows"]
    assert f'data-backup="{made["name"]}"' in page.text
    asked = {"action_in": "backup.create", "limit": "1"}
    (row,) = admin.get("/api/admin/activity", params=asked).json()["rows"]
    assert (row["resource"], row["client_kind"]) == (f"backup:{made['name']}", "web")
