"""Published at once as a whole or not at all: with the real process, which is killed, overruns or
eats; and with the server, which is killed in the middle of everything."""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from console import doctor
from console.audit import now
from console.doctor import Patient
from console.syncing import publish
from console.syncing.published import folder, published
from console.syncing.syncs import Attempt
from console.tables import offered
from schema.policy import Principal
from schema.store import Store
from schema.table import rows_of
from schema.tables import SYNC_HISTORY, TABLE_VERSIONS
from tests.console.syncing.place import ADMIN, Held, Place
from tests.console.syncing.web import Web, web

ROOT = Path(__file__).resolve().parents[3]


def test_the_process_reads_publishes_and_leaves_nothing_else(real: Place) -> None:
    real.write("a.csv", "x\n1\n")
    real.register(location="a.csv")
    attempt = real.one()
    assert (attempt.status, attempt.error) == ("ok", None)
    found = published(real.store)["one"]
    assert hashlib.sha256(found.path.read_bytes()).hexdigest() == found.sha256
    assert (found.rows, found.bytes) == (1, found.path.stat().st_size)
    there = [path for path in folder(real.store).rglob("*") if path.is_file()]
    assert there == [found.path]
    assert oct(found.path.stat().st_mode)[-3:] == "600"


def children(parent: int) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
            line = path.with_name("cmdline").read_bytes()
        except OSError:
            continue
        if int(fields[1]) == parent and b"console.syncing.child" in line:
            found.append(int(path.parent.name))
    return found


def meanwhile(place: Place, site: Web, act: Callable[[], None]) -> Attempt:
    """A sync of what never answers, and what is done while it waits."""
    asked = threading.Event()

    def waits(line: Any, path: str, headers: Any) -> None:
        asked.set()
        site.drip(line, b"")

    site.answers["/a.csv"] = waits
    place.register("held", source_type="url", location=site.url("/a.csv"))

    async def both() -> Attempt:
        running = asyncio.ensure_future(place.syncs.sync(ADMIN, ["held"], trigger="api"))
        assert await asyncio.to_thread(asked.wait, 30)
        act()
        (attempt,) = await running
        return attempt

    return asyncio.run(both())


@pytest.fixture
def site() -> Any:
    with web() as found:
        yield found


@pytest.fixture
def private(tmp_path: Path, site: Web) -> Any:
    found = Place(tmp_path / "data", AGNES_SYNC_ALLOW_PRIVATE=site.host, AGNES_SYNC_SECONDS="60")
    yield found
    found.close()


def test_a_killed_process_leaves_what_is_there(private: Place, site: Web) -> None:
    private.write("a.csv", "x\n1\n")
    private.register(location="a.csv")
    private.one()
    pids: list[int] = []

    def kill() -> None:
        pids.extend(children(os.getpid()))
        for pid in pids:
            os.kill(pid, signal.SIGKILL)

    attempt = meanwhile(private, site, kill)
    assert len(pids) == 1
    assert (attempt.status, attempt.error) == ("error", "its process was ended by signal 9")
    assert private.log()[-1]["result"] == "error.stopped"
    assert private.rows() == [{"x": 1}]
    assert list((folder(private.store) / ".work").iterdir()) == []
    assert private.syncs.running is False


def test_a_server_that_stops_ends_the_attempt(private: Place, site: Web) -> None:
    attempt = meanwhile(private, site, private.syncs.close)
    assert attempt.error == "the server stopped meanwhile"
    assert children(os.getpid()) == []


def test_a_process_that_overruns_or_eats_is_ended(tmp_path: Path, site: Web) -> None:
    site.answers["/a.csv"] = lambda line, path, headers: site.drip(line, b"")
    small = {"AGNES_SYNC_SECONDS": "2", "AGNES_SYNC_MEMORY_MB": "16"}
    place = Place(tmp_path / "data", AGNES_SYNC_ALLOW_PRIVATE=site.host, **small)
    place.register("slow", source_type="url", location=site.url("/a.csv"))
    slow = place.one("slow")
    place.register("large", location="large.csv")
    place.write("large.csv", "x\n" + '"' + "y" * (64 << 20) + '"\n')
    large = place.one("large")
    place.close()
    assert slow.error == "it took longer than 2 s"
    assert slow.duration_ms < 9000
    assert large.status == "error"
    assert place.parquets() == []


def test_questions_go_on_with_the_version_that_they_began_with(place: Place) -> None:
    place.write("a.csv", "x\n1\n")
    place.register(location="a.csv")
    place.one()
    admin = Principal("u-admin", is_admin=True)
    before = offered.offered(Held(place.settings, place.store), admin)["one"]
    place.write("a.csv", "x\n2\n")
    place.one()
    after = offered.offered(Held(place.settings, place.store), admin)["one"]
    reading = before.first(10)
    values = [batch.to_pylist() for batch in (next(reading), next(after.first(10)))]
    assert values == [[{"x": 1}], [{"x": 2}]]
    assert after.standing()["visible"] == 1
    place.write("a.csv", "x\n3\n")
    place.one()
    assert len(place.parquets()) == publish.KEPT
    assert len(place.table(TABLE_VERSIONS)) == publish.KEPT
    with pytest.raises(offered.Unreadable, match="the table one cannot be read"):
        next(before.first(10))


def test_only_who_was_granted_it_sees_a_synced_table(place: Place) -> None:
    place.write("a.csv", "x\n1\n")
    place.register(location="a.csv")
    held = Held(place.settings, place.store)
    reader = Principal("u-1", tables=frozenset({"one"}))
    assert "one" not in offered.offered(held, reader)  # nothing was published yet
    place.one()
    assert offered.offered(held, reader)["one"].kind == "local"
    assert "one" not in offered.offered(held, Principal("u-2"))


def test_a_table_that_changed_while_it_was_read_keeps_what_it_has(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.write("a.csv", "x\n1\n")
    place.register(location="a.csv")
    at_once = publish.place

    def changed(*args: Any) -> str:
        path = at_once(*args)
        place.change("one", options={"types": {"x": "VARCHAR"}})
        return path

    monkeypatch.setattr(publish, "place", changed)
    attempt = place.one()
    assert (attempt.status, attempt.error) == ("error", "the table was changed while it was read")
    assert place.log()[-1]["result"] == "error.changed"
    assert place.parquets() == []


def test_a_start_removes_what_no_row_names(place: Place) -> None:
    place.write("a.csv", "x\n1\n")
    place.register(location="a.csv")
    place.one()
    (good,) = place.parquets()
    (good.parent / "torn.parquet").write_bytes(b"half")
    other = folder(place.store) / "0123" / "lost.parquet"
    other.parent.mkdir()
    other.write_bytes(b"half")
    publish.work_folder(place.store, "an-attempt")
    place.syncs.tidy()
    assert place.parquets() == [good]
    assert not (folder(place.store) / ".work").exists()
    assert place.one().status == "unchanged"


RUN = """
import asyncio, sys
from pathlib import Path
from tests.console.syncing.place import ADMIN, Place, in_this_process
import pytest, itertools
in_this_process(pytest.MonkeyPatch())
import console.settings, console.syncing.syncs as syncs
from schema.store import Store
from schema.table import rows_of
from tests.console.syncing.place import Held
from console.settings import Settings
folder = Path(sys.argv[1])
settings = Settings({}, AGNES_DATA_DIR=str(folder))
store = Store(settings.database, threads=1)
found = syncs.Syncs(Held(settings, store))
found.tidy()
for number in itertools.count():
    (folder / "tables" / "a.csv").write_text("x\\n" + f"{number}\\n" * 1000)
    (attempt,) = asyncio.run(found.sync(ADMIN, ["one"], trigger="cli"))
    print(attempt.id, attempt.status, flush=True)
"""


def test_a_server_killed_at_any_moment_loses_nothing_that_it_said(tmp_path: Path) -> None:
    place = Place(tmp_path / "data")
    place.write("a.csv", "x\n0\n")
    place.register(location="a.csv")
    place.close()
    said: list[str] = []
    for _ in range(2):
        command = [sys.executable, "-c", RUN, str(tmp_path / "data")]
        with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, text=True) as process:
            assert process.stdout is not None
            lines = [process.stdout.readline() for _ in range(random.randint(2, 4))]
            threading.Event().wait(random.random() / 20)
            process.kill()
            lines += process.stdout.readlines()
        said += [line.split()[0] for line in lines if line.endswith(" ok\n")]
        store = Store(tmp_path / "data" / "agnes.duckdb", threads=1)
        try:
            found = published(store)["one"]
            assert hashlib.sha256(found.path.read_bytes()).hexdigest() == found.sha256
            history = {row["id"] for row in store.read(rows_of(SYNC_HISTORY)).to_pylist()}
        finally:
            store.close()
        assert said
        assert set(said) <= history


HOLD = """
import asyncio, sys
from pathlib import Path
from console.settings import Settings
from console.syncing.syncs import Syncs
from schema.store import Store
from tests.console.syncing.place import ADMIN, Held
given = {"AGNES_DATA_DIR": sys.argv[1], "AGNES_SYNC_ALLOW_PRIVATE": sys.argv[2]}
settings = Settings({}, **given)
held = Held(settings, Store(settings.database, threads=1))
asyncio.run(Syncs(held).sync(ADMIN, ["one"], trigger="cli"))
"""


def test_a_killed_server_takes_its_attempt_along(tmp_path: Path, site: Web) -> None:
    asked = threading.Event()

    def waits(line: Any, path: str, headers: Any) -> None:
        asked.set()
        site.drip(line, b"")

    site.answers["/a.csv"] = waits
    place = Place(tmp_path / "data", AGNES_SYNC_ALLOW_PRIVATE=site.host)
    place.register(source_type="url", location=site.url("/a.csv"))
    place.close()
    command = [sys.executable, "-c", HOLD, str(place.folder), site.host]
    with subprocess.Popen(command, cwd=ROOT) as process:
        assert asked.wait(60)
        (child,) = children(process.pid)
        process.kill()
    gone = threading.Event()
    for _ in range(200):
        if not _is_alive(child):
            gone.set()
            break
        gone.wait(0.05)
    assert gone.is_set()
    place = Place(tmp_path / "data")
    place.syncs.tidy()
    assert not (folder(place.store) / ".work").exists()
    assert place.history() == []
    place.close()


def _is_alive(pid: int) -> bool:
    """Whether it runs; one that ended and was not waited for does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_doctor_tells_of_files_that_are_gone_and_columns_that_changed(place: Place) -> None:
    def said(days: int = 0) -> tuple[str, str]:
        at = now() + timedelta(days=days)
        patient = Patient(place.folder, place.store.path, place.store, clock=lambda: at)
        found = doctor.tables(patient)
        assert bool(found.mend) == (found.level != "ok")
        return found.level, found.message

    place.write("a.csv", "x,y\n1,2\n")
    place.register(location="a.csv")
    place.one()
    assert said() == ("ok", "1 synced tables are there")
    place.write("a.csv", "x,y,z\n1,2,3\n")
    place.one()
    assert said()[0] == "ok"  # more columns break nothing
    place.write("a.csv", "x\none\n")
    place.one()
    told = "columns changed: one (gone: y, z; x was int64, is string)"
    assert said() == ("warning", told)
    assert said(days=2)[0] == "ok"
    for path in place.parquets():
        path.unlink()
    assert said(days=2) == ("warning", "published files are gone: one")


def test_due_is_what_the_schedule_says(place: Place) -> None:
    place.write("a.csv", "x\n1\n")
    place.register(location="a.csv", schedule="every 5m")
    place.register("never", location="a.csv")
    assert place.syncs.due(now()) == ["one"]
    place.sync("one", "never")
    assert place.syncs.due(now()) == []
    later = now().replace(year=now().year + 1)
    assert place.syncs.due(later) == ["one"]
    place.write("a.csv", "")
    assert place.one().status == "error"  # a failure waits for its turn like any
    assert place.syncs.due(now()) == []
    place.change("one", schedule=None)
    assert place.syncs.due(later) == []
    assert orjson.loads(place.log()[-1]["params"])["changed"] == ["schedule"]
