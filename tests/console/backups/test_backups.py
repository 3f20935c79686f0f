"""Backups: taken while others write, whole or not at all, and restored row by row and byte by
byte."""

from __future__ import annotations

import hashlib
import io
import os
import resource
import signal
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from console.audit import Caller, entry, new_id, now
from console.backups import archive, restoring, shelf, taking
from console.backups.archive import DamagedBackup
from console.backups.restoring import restore
from console.syncing import published
from ingest.seed import seed
from ingest.session_files import target
from ingest.uploads import Receiver
from schema.errors import Conflict, Unavailable
from schema.store import Store
from schema.tables import USER_GROUP_MEMBERS, USER_GROUPS
from schema.transaction import Rows
from tests.server_process import agnes
from tests.whole_server import WholeServer

ANA = "0198a0c0-0000-7000-8000-00000000000a"
HOLDS = """
import sys
from pathlib import Path
from console.backups import archive, taking
from schema.store import Store

def stuck(self, told):
    print("half", flush=True)
    sys.stdin.read()

archive.Writer.close = stuck
folder = Path(sys.argv[1])
taking.take(Store(folder / "agnes.duckdb", threads=1), folder, Path(sys.argv[2]))
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("backups") / "data"
    folder.mkdir(mode=0o700)
    store = Store(folder / "agnes.duckdb", threads=1)
    try:
        sizes = {"audit_rows": 300, "sessions": 4, "usage_events": 50, "users": 4}
        seed(store, folder, **sizes, seed=1, until=now(), say=lambda text: None)
        for number in range(6):
            send(store, folder, f"mine-{number}", b"first\n")
        send(store, folder, "agent-1", b"sub\n", parent="mine-1.jsonl")
    finally:
        store.close()
    (folder / "cookie.key").write_bytes(b"k" * 32)
    kept = folder / "jobs" / "rollups" / "a-run"
    kept.mkdir(parents=True)
    (kept / "log.txt").write_text("done")
    (folder / "jobs" / "rollups" / ".working").mkdir()
    (folder / "jobs" / "rollups" / ".working" / "raw.ipynb").write_text("may hold a secret")
    (folder / "agnes.synced").mkdir()
    (folder / "agnes.synced" / "orders.parquet").write_bytes(b"PAR1")
    (folder / "index").mkdir(exist_ok=True)
    (folder / "index" / "made-anew").write_text("x")
    (folder / "elsewhere").symlink_to("/etc")
    return folder


@pytest.fixture
def store(data: Path) -> Iterator[Store]:
    store = Store(data / "agnes.duckdb", threads=1)
    yield store
    store.close()


def send(
    store: Store, folder: Path, name: str, content: bytes, *, parent: str | None = None
) -> None:
    receiver = Receiver(folder, ANA, f"{name}.jsonl", limit=1 << 20)
    receiver.write(content)
    place = target(ANA, f"{name}.jsonl", parent)
    receiver.commit(store, place, lambda stored, before: entry(Caller(), "session.upload"))


def rows(path: Path, table: str, condition: str = "true") -> list[tuple[object, ...]]:
    with duckdb.connect(str(path), read_only=True) as con:
        return con.execute(f"FROM {table} WHERE {condition} ORDER BY ALL").fetchall()


def files(folder: Path) -> dict[str, str]:
    """SHA-256 of every file that a backup is to hold, by its way."""
    left_out = ("agnes.duckdb", "index", "search.sqlite", "tmp", "elsewhere")
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
        and not path.relative_to(folder).parts[0].startswith(left_out)
        and ".working" not in path.parts
    }


def test_what_is_restored_is_what_there_was(store: Store, data: Path, tmp_path: Path) -> None:
    taken = taking.take(store, data, tmp_path / "shelf")
    store.close()
    assert (taken.moved, taken.strange) == (0, [])
    assert taken.path.stat().st_mode & 0o777 == 0o600
    made = restore(taken.path, tmp_path / "new")
    assert files(made.folder) == files(data)
    assert made.folder.stat().st_mode & 0o777 == 0o700
    with duckdb.connect(str(data / "agnes.duckdb"), read_only=True) as con:
        tables = [
            row[0] for row in con.execute("SELECT table_name FROM duckdb_tables()").fetchall()
        ]
    assert len(tables) > 30
    old, new = data / "agnes.duckdb", made.folder / "agnes.duckdb"
    for table in tables:
        others = "action <> 'backup.restore'" if table == "audit_log" else "true"
        assert rows(new, table, others) == rows(old, table), table
    (said,) = rows(new, "audit_log", "action = 'backup.restore'")
    assert f"backup:{taken.path.name}" in said


@pytest.mark.parametrize("place", ["main.duckdb", "db/main.duckdb", "../main.duckdb"])
def test_a_database_by_another_name_has_what_it_synced_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    data = tmp_path / "data"
    (data / place).parent.mkdir(parents=True, exist_ok=True)
    data.mkdir(exist_ok=True)
    (data / "cookie.key").write_bytes(b"k")
    monkeypatch.chdir(data)  # a relative AGNES_ENGINE
    store = Store(Path(place), threads=1)
    file = published.folder(store) / "orders" / "one.parquet"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"PAR1")
    try:
        taken = taking.take(store, data, tmp_path / "shelf")
    finally:
        store.close()
    names = set(archive.manifest_of(taken.path)["files"])
    assert names == {"agnes.duckdb", "agnes.synced/orders/one.parquet", "cookie.key"}
    made = restore(taken.path, tmp_path / "new")
    store = Store(made.folder / "agnes.duckdb", threads=1)
    try:
        assert (published.folder(store) / "orders" / "one.parquet").read_bytes() == b"PAR1"
    finally:
        store.close()


def test_a_backup_beside_writers_is_of_one_moment(store: Store, data: Path, tmp_path: Path) -> None:
    stop, wrong = threading.Event(), []
    counts = {"pairs": 0, "uploads": 0}

    def write() -> None:
        while not stop.is_set():
            id, at = new_id(), now()
            store.write(
                Rows(USER_GROUPS, [{"id": id, "name": id, "created_at": at}]),
                Rows(USER_GROUP_MEMBERS, [{"group_id": id, "user_id": ANA, "added_at": at}]),
            ).result()
            counts["pairs"] += 1

    def upload() -> None:
        try:
            while not stop.is_set():
                number = counts["uploads"]
                send(store, data, f"mine-{number % 6}", os.urandom(20_000 + number))
                counts["uploads"] += 1
        except Exception as error:  # noqa: BLE001 (told by the test)
            wrong.append(error)

    threads = [threading.Thread(target=work) for work in (write, upload)]
    for thread in threads:
        thread.start()
    try:
        taken = [taking.take(store, data, tmp_path / "shelf") for _ in range(3)]
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert wrong == []
    assert counts["uploads"] > 6
    for one in taken:
        made = restore(one.path, tmp_path / one.path.stem)
        database = made.folder / "agnes.duckdb"
        groups = {row[0] for row in rows(database, "user_groups")}
        pairs = {row[0] for row in rows(database, "user_group_members", f"user_id = '{ANA}'")}
        assert pairs <= groups
        assert one.strange == []
        for row in rows(database, "session_files", f"user_id = '{ANA}'"):
            held = hashlib.sha256((made.folder / "sessions" / str(row[0])).read_bytes())
            assert held.hexdigest() in row, row


@pytest.fixture(scope="module")
def whole(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    store = Store(data / "agnes.duckdb", threads=1)
    try:
        return taking.take(store, data, tmp_path_factory.mktemp("whole")).path
    finally:
        store.close()


def changed(whole: Path, to: Path, change: str) -> tuple[Path, str]:
    """A copy of the backup that something happened to, and what its refusal names."""
    content, damaged = bytearray(whole.read_bytes()), to / whole.name
    with tarfile.open(whole) as tar:
        members = {info.name: info for info in tar.getmembers()}
    subagent = next(info for name, info in members.items() if name.endswith("agent-1.jsonl"))
    database = members["agnes.duckdb"]
    match change:
        case "one byte":
            content[subagent.offset_data] ^= 1
            named = subagent.name
        case "in the database":
            content[database.offset_data + database.size // 2] ^= 1
            named = "agnes.duckdb"
        case "cut in a file":
            del content[database.offset_data + 1000 :]
            named = "agnes.duckdb"
        case "cut between files":
            del content[database.offset :]
            named = "manifest.json"
        case "the manifest":
            content[members["manifest.json"].offset_data + 20] ^= 1
            named = "manifest.json"
        case "nothing":
            content.clear()
            named = whole.name
    damaged.write_bytes(content)
    return damaged, named


@pytest.mark.parametrize(
    "change",
    [
        *("one byte", "in the database", "cut in a file", "cut between files"),
        *("the manifest", "nothing"),
    ],
)
def test_a_damaged_backup_is_refused_by_the_name_of_its_file(
    whole: Path, tmp_path: Path, change: str
) -> None:
    damaged, named = changed(whole, tmp_path, change)
    with pytest.raises(DamagedBackup, match=named):
        restore(damaged, tmp_path / "new")
    assert os.listdir(tmp_path) == [damaged.name]


@pytest.mark.parametrize("way", ["../out", "/etc/out", "a/../../out"])
def test_no_name_in_a_backup_leads_out_of_the_folder(tmp_path: Path, way: str) -> None:
    path = tmp_path / "agnes.tar"
    with path.open("wb") as file:
        writer = archive.Writer(file, 0)
        writer.add(way, io.BytesIO(b"x"), 1)
        writer.close({"made_at": "", "rows": {}})
    with pytest.raises(DamagedBackup, match="out"):
        restore(path, tmp_path / "new")
    assert os.listdir(tmp_path) == [path.name]


def test_what_stands_in_a_place_is_never_deleted(whole: Path, tmp_path: Path) -> None:
    place = tmp_path / "data"
    place.mkdir()
    (place / "mine").write_text("x")
    with pytest.raises(Conflict, match="not empty"):
        restore(whole, place)
    made = restore(whole, place, force=True)
    assert made.aside is not None
    assert (made.aside / "mine").read_text() == "x"
    assert not (place / "mine").exists()


def test_a_folder_where_a_volume_is_mounted_is_filled(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "data"
    (place / "lost+found").mkdir(parents=True)
    (place / ".restoring-cut-off").mkdir()
    monkeypatch.setattr(restoring, "_is_mounted", lambda folder: folder == place)
    number = place.stat().st_ino
    rename = os.rename

    def no_database(old: Path, new: Path) -> None:
        if new == place / "agnes.duckdb":
            raise OSError("no rename today")
        rename(old, new)

    monkeypatch.setattr(os, "rename", no_database)
    with pytest.raises(Unavailable, match="no rename today"):
        restore(whole, place)
    assert os.listdir(place) == ["lost+found"]
    monkeypatch.setattr(os, "rename", rename)
    made = restore(whole, place)
    assert (made.aside, place.stat().st_ino) == (None, number)
    assert rows(place / "agnes.duckdb", "audit_log", "action = 'backup.restore'")
    assert not list(place.glob(".restoring-*"))
    assert os.listdir(tmp_path) == ["data"]
    with pytest.raises(Conflict, match="cannot be moved aside"):
        restore(whole, place, force=True)


def test_what_is_in_the_way_is_not_written_to(whole: Path, tmp_path: Path) -> None:
    place = restore(whole, tmp_path / "data").folder
    with duckdb.connect(str(place / "agnes.duckdb")) as con:
        con.execute("PRAGMA disable_checkpoint_on_shutdown")
        con.execute("CREATE TABLE of_mine (id INTEGER)")
    before = {path.name: path.read_bytes() for path in place.glob("agnes.duckdb*")}
    assert len(before) == 2
    made = restore(whole, place, force=True)
    assert made.aside is not None
    assert {path.name: path.read_bytes() for path in made.aside.glob("agnes.duckdb*")} == before


def test_a_restore_tells_of_a_setting_that_names_another_database(
    whole: Path, tmp_path: Path
) -> None:
    settings = {"AGNES_ENGINE": f"duckdb:///{tmp_path}/other.duckdb"}
    made = agnes("restore", whole, "--data-dir", tmp_path / "new", settings=settings)
    assert made.returncode == 0, made.stderr
    assert "start it: AGNES_ENGINE= agnes serve --data-dir" in made.stdout


@contextmanager
def no_file_over(size: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_leaves_nothing_half(
    store: Store, data: Path, whole: Path, tmp_path: Path
) -> None:
    place = tmp_path / "shelf"
    for size in (100_000, whole.stat().st_size - 100_000):  # in the database, in the archive
        with no_file_over(size), pytest.raises(Unavailable, match="full"):
            taking.take(store, data, place)
        assert os.listdir(place) == []
    with no_file_over(100_000), pytest.raises(Unavailable, match="nothing was restored"):
        restore(whole, tmp_path / "new")
    assert os.listdir(tmp_path) == ["shelf"]
    assert taking.take(store, data, place).path.exists()


def test_a_killed_backup_leaves_none_and_a_running_server_is_left_alone(
    whole: Path, tmp_path: Path
) -> None:
    made = restore(whole, tmp_path / "data").folder
    place = tmp_path / "shelf"
    command = [sys.executable, "-c", HOLDS, str(made), str(place)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "half\n"
        with pytest.raises(Conflict, match="held by another process"):
            restore(whole, made, force=True)
        process.send_signal(signal.SIGKILL)
    assert shelf.backups(place) == []
    assert len(os.listdir(place)) == 1
    store = Store(made / "agnes.duckdb", threads=1)
    try:
        taken = taking.take(store, made, place)
    finally:
        store.close()
    assert os.listdir(place) == [taken.path.name]


def test_one_that_is_deleted_while_they_are_listed_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [shelf.name_of(datetime(2026, 3, day)) for day in (1, 2)]
    (tmp_path / names[1]).write_bytes(b"x")
    found = [tmp_path / name for name in names]  # the first went after the folder was read
    monkeypatch.setattr(Path, "glob", lambda self, pattern: iter(found))
    monkeypatch.setattr(Path, "is_file", lambda self: True)
    assert [one.name for one in shelf.backups(tmp_path)] == names[1:]


def test_the_newest_are_kept(tmp_path: Path) -> None:
    names = [shelf.name_of(datetime(2026, 3, day)) for day in range(1, 6)]
    for name in [*names, "agnes-mine.tar", "notes.txt"]:
        (tmp_path / name).write_bytes(b"x")
    assert [one.name for one in shelf.backups(tmp_path)] == names[::-1]
    assert shelf.backups(tmp_path)[0].made_at == datetime(2026, 3, 5)
    assert shelf.thin(tmp_path, 2) == [names[2], names[1], names[0]]
    assert {path.name for path in tmp_path.iterdir()} == {*names[3:], "agnes-mine.tar", "notes.txt"}


# Over HTTP, and from a terminal


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeServer]:
    with WholeServer(tmp_path_factory.mktemp("served") / "data") as server:
        yield server


def test_the_daily_one_is_taken_where_a_folder_is_named(tmp_path: Path) -> None:
    for given, status in (({}, "skipped"), ({"AGNES_BACKUP_DIR": str(tmp_path / "to")}, "ok")):
        with WholeServer(tmp_path / status, **given) as server:
            secret = server.instance.gate.passes.issue("a run", lifetime=timedelta(hours=1))
            with server.client(secret) as kernel:
                answer = kernel.post("/api/jobs/backup")
            assert (answer.status_code, answer.json()["status"]) == (200, status)
    assert [one.name for one in shelf.backups(tmp_path / "to")] == [answer.json()["name"]]


def test_a_running_console_takes_keeps_and_hands_out_its_backups(
    server: WholeServer, tmp_path: Path
) -> None:
    boss = server.person("boss", is_admin=True)
    token = server.token(boss)
    settings = {"AGNES_SERVER": server.address, "AGNES_TOKEN": token}
    with server.client(token) as client:
        first = client.post("/api/admin/backups", json={})
        assert first.status_code == 201
        assert client.post("/api/admin/backups", json={"keep": 0}).status_code == 400
        saved = agnes("backup", "--to", tmp_path / "mine.tar", "--keep", "1", settings=settings)
        assert saved.returncode == 0, saved.stderr
        assert first.json()["name"] in saved.stderr  # deleted: one is kept
        listed = client.get("/api/admin/backups").json()
        assert listed["total"] == len(listed["rows"]) == 1
        assert client.get(f"/api/admin/backups/{first.json()['name']}").status_code == 404
        server.instance.backing_up = True
        assert client.post("/api/admin/backups", json={}).status_code == 409
        server.instance.backing_up = False
        asked = {"action_in": "backup.create,backup.download"}
        log = client.get("/api/admin/activity", params=asked).json()["rows"]
    done = [row["action"] for row in log if row["result"] == "success"]
    assert done == ["backup.download", "backup.create", "backup.create"]
    assert {row["user_id"] for row in log} == {boss}
    assert (tmp_path / "mine.tar").stat().st_mode & 0o777 == 0o600
    new = tmp_path / "new"
    made = agnes("restore", tmp_path / "mine.tar", "--data-dir", new, "--json")
    assert made.returncode == 0, made.stderr
    again = agnes("restore", tmp_path / "mine.tar", "--data-dir", new)
    assert (again.returncode, "not empty" in again.stderr) == (1, True)
    assert len(rows(new / "agnes.duckdb", "users", f"id = '{boss}'")) == 1
    offline = agnes("backup", "--data-dir", new, "--to", tmp_path, "--json")
    assert offline.returncode == 0, offline.stderr
