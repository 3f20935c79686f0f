"""The process that indexes: what it makes after an upload, what it forgets, and what becomes of a
crash."""

from __future__ import annotations

import asyncio
import os
import signal
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from console import app
from console.instance import Instance
from console.settings import Settings
from console.transcript.index_worker import IndexWorker
from console.transcript.indexing import index_of
from ingest import index_files
from ingest.session_files import target
from ingest.text_index import FILE, Reading
from ingest.uploads import MB, Receiver
from schema.table import Table, rows_of
from schema.tables import SESSION_FILES, TRANSCRIPT_SEARCH
from schema.transaction import Rows, Transaction
from tests.transcripts import Transcript

ME = str(uuid.UUID(int=7))
KEY = f"{ME}/talk.jsonl"
FIRST = Transcript().prompt("the azure kingfisher").answer("It dives.")


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[Instance]:
    mask = os.umask(0o077)
    instance = app.open_instance(Settings({}, AGNES_DATA_DIR=str(tmp_path / "data")))
    os.umask(mask)
    yield instance
    instance.store.close()


def upload(
    instance: Instance, data: bytes, name: str = "talk.jsonl", parent: str | None = None
) -> None:
    receiver = Receiver(instance.settings.folder, ME, name, limit=MB)
    receiver.write(data)
    receiver.commit(
        instance.store, target(ME, name, parent), lambda *_: Rows(TRANSCRIPT_SEARCH, [])
    )


def rows(instance: Instance, table: Table) -> list[dict[str, object]]:
    return instance.store.read(rows_of(table)).to_pylist()  # type: ignore[no-any-return]


def found(instance: Instance, match: str) -> list[str]:
    with Reading(instance.settings.folder) as reading:
        hits, _ = reading.find(match)
    return sorted(one.session_file for one in hits)


def all_indexed(instance: Instance) -> bool:
    files = rows(instance, SESSION_FILES)
    return bool(files) and all(row["indexed"] for row in files)


@asynccontextmanager
async def working(instance: Instance, *, idle: float = 60) -> AsyncIterator[IndexWorker]:
    worker = IndexWorker(instance, idle=idle)
    worker.start()
    try:
        yield worker
    finally:
        await worker.stop()


async def until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not await asyncio.to_thread(holds):  # noqa: ASYNC110 (another process does it)
            await asyncio.sleep(0.05)


def test_an_upload_is_indexed_and_its_process_ends_when_idle(instance: Instance) -> None:
    async def scene() -> None:
        async with working(instance, idle=0.1) as worker:
            await asyncio.sleep(0.2)
            assert worker.pid is None, "it lives without work"
            upload(instance, FIRST.data)
            assert index_of(instance, KEY) is None
            await until(lambda: all_indexed(instance))
            await until(lambda: worker.pid is None)

    asyncio.run(scene())
    index = index_of(instance, KEY)
    assert index is not None
    assert index.total == 2
    assert index_of(instance, KEY) is index, "it is held"
    assert found(instance, '"kingfisher"') == [KEY]
    (row,) = rows(instance, TRANSCRIPT_SEARCH)
    assert (row["session_file"], row["user_id"]) == (KEY, ME)


def test_a_longer_upload_and_a_subagent_are_indexed_anew(instance: Instance) -> None:
    async def scene() -> None:
        async with working(instance):
            upload(instance, FIRST.data)
            await until(lambda: all_indexed(instance))
            upload(instance, FIRST.answer("A heron stands.").data)
            assert index_of(instance, KEY) is None, "that index is of other bytes"
            await until(lambda: all_indexed(instance))
            assert found(instance, '"heron"') == [KEY]
            upload(instance, Transcript(agent="a1").answer("An otter.").data, "agent-a1.jsonl", KEY)
            assert index_of(instance, KEY) is None
            await until(lambda: index_of(instance, KEY))
            await until(lambda: all_indexed(instance))

    asyncio.run(scene())
    assert found(instance, '"otter"') == found(instance, '"kingfisher"') == [KEY]
    index = index_of(instance, KEY)
    assert index is not None
    assert index.total == 4


def test_a_session_that_is_gone_leaves_the_index(instance: Instance) -> None:
    def delete(transaction: Transaction) -> None:
        transaction.delete(SESSION_FILES, {"session_file": KEY})

    async def scene() -> None:
        async with working(instance):
            upload(instance, FIRST.data)
            upload(instance, FIRST.data, "other.jsonl")
            await until(lambda: all_indexed(instance))
            await instance.store.awrite(delete)
            assert index_of(instance, KEY) is None
            await until(lambda: len(rows(instance, TRANSCRIPT_SEARCH)) == 1)

    asyncio.run(scene())
    assert found(instance, '"kingfisher"') == [f"{ME}/other.jsonl"]
    assert not index_files.path_of(instance.settings.folder, KEY).exists()


@pytest.mark.parametrize("loss", ["text", "turns", "damage"])
def test_what_was_lost_is_made_anew_at_the_next_start(instance: Instance, loss: str) -> None:
    folder = instance.settings.folder

    async def indexed() -> None:
        async with working(instance):
            await until(lambda: all_indexed(instance) and index_of(instance, KEY))
            await until(lambda: found(instance, '"kingfisher"'))

    upload(instance, FIRST.data)
    asyncio.run(indexed())
    if loss == "turns":
        index_files.remove(folder, KEY)
    else:
        for ending in ("-wal", "-shm"):
            (folder / f"{FILE}{ending}").unlink(missing_ok=True)
        (folder / FILE).unlink()
        if loss == "damage":
            (folder / FILE).write_bytes(b"no database at all " * 1000)
    asyncio.run(again(instance, loss))


async def again(instance: Instance, loss: str) -> None:
    folder = instance.settings.folder

    def stands() -> bool:
        try:
            hit = found(instance, '"kingfisher"') == [KEY]
        except Exception:  # noqa: BLE001 (while it is made anew it may be anything)
            return False
        return hit and index_files.path_of(folder, KEY).exists()

    async with working(instance):
        await until(stands)


def test_a_killed_process_is_started_again(instance: Instance) -> None:
    async def scene() -> None:
        async with working(instance) as worker:
            upload(instance, FIRST.data)
            await until(lambda: all_indexed(instance))
            first = worker.pid
            assert first is not None
            os.kill(first, signal.SIGKILL)
            upload(instance, FIRST.data, "second.jsonl")
            await until(lambda: all_indexed(instance))
            assert worker.pid not in (None, first)

    asyncio.run(scene())
    assert len(found(instance, '"kingfisher"')) == 2


def test_a_file_that_ends_the_process_twice_is_set_aside(
    instance: Instance, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A module of that name before ours: it ends the process over a transcript of this name."""
    fake = tmp_path / "fake"
    (fake).mkdir()
    (fake / "sitecustomize.py").write_text(
        "import os, sys, threading\n"
        "def f(event, args):\n"
        "    if event == 'open' and str(args[0]).endswith('poison.jsonl'):\n"
        "        open(os.environ['PYTHONPATH'].split(os.pathsep)[-1] + '/died', 'a').write('x')\n"
        "        os._exit(9)\n"
        "sys.addaudithook(f)\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(fake))

    async def scene() -> None:
        async with working(instance):
            upload(instance, FIRST.data)
            upload(instance, FIRST.data, "poison.jsonl")
            await until(lambda: index_of(instance, KEY))
            upload(instance, FIRST.data, "third.jsonl")
            await until(lambda: index_of(instance, f"{ME}/third.jsonl"))

    asyncio.run(scene())
    assert (fake / "died").read_text() == "xx"
    assert found(instance, '"kingfisher"') == [KEY, f"{ME}/third.jsonl"]
