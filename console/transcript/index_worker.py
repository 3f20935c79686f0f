"""Keeps both indexes of transcripts in step with the uploads: one session at a time, in a process
of its own (`ingest.indexer`), which lives while there is work.

Nothing waits for it and nobody calls it: it looks whether the table of files has changed. Which
sessions are indexed is said by `transcript_search`, and at each start of the process it is compared
with what is really there.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import structlog

from console.audit import now
from console.instance import Instance
from console.queries import indexing
from console.transcript.indexing import hash_of
from ingest import index_files
from ingest.text_index import Reading
from schema.bind import Text
from schema.tables import SESSION_FILES, TRANSCRIPT_SEARCH
from schema.transaction import Transaction

log = structlog.get_logger(__name__)

Row = dict[str, Any]
_BEAT = 0.5  # seconds between two looks at a number in memory
_IDLE = 60.0  # seconds without work after which the process ends
_PATIENCE = 900.0  # seconds for one session
_SOME = 20  # sessions asked for at a time
_TRIES = 2  # then a session that failed is set aside for
_ASIDE = timedelta(hours=1)
_SOON = timedelta(seconds=1)
_PAUSE = 10.0  # seconds, after what nobody thought of
_ROOT = str(Path(__file__).resolve().parents[2])
_HANDED_ON = ("PATH", "HOME", "LANG", "TZ", "PYTHONPATH")  # no setting, no secret


class Gone(Exception):
    """The process ended before it answered."""


class IndexWorker:
    """`start` it in the event loop that it is to live in, and `stop` it there."""

    def __init__(self, instance: Instance, *, idle: float = _IDLE) -> None:
        self._instance = instance
        self._store = instance.store
        self._folder: Path = instance.settings.folder
        self._idle = idle
        self._task: asyncio.Task[None] | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._own = -1  # the version of the table of files after our own last change
        self._failed: dict[str, tuple[str, int, datetime]] = {}  # hash, how often, until when

    @property
    def pid(self) -> int | None:
        """Of the process, while there is one."""
        running = self._process is not None and self._process.returncode is None
        return self._process.pid if self._process is not None and running else None

    def start(self) -> None:
        self._task = asyncio.create_task(self._forever())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await self._end()

    async def _forever(self) -> None:
        clock = asyncio.get_running_loop().time
        worked_off, checked, busy = -1, False, clock()
        while True:
            version = self._store.version("session_files")
            try:
                if not checked:
                    await self._reconcile()
                    checked = True
                if version != worked_off or self._again():
                    if await self._work():
                        busy = clock()
                        continue
                    worked_off = version
            except Gone:  # what it has lost with the process is found out
                checked = False
                continue
            except Exception as error:  # noqa: BLE001 (whatever it is, it is tried again)
                log.warning("transcripts are not indexed for now", reason=repr(error))
                self._instance.posthog.swallowed(error)
                await asyncio.sleep(_PAUSE)
            if self.pid is not None and clock() - busy > self._idle:
                await self._end()
            await asyncio.sleep(_BEAT)

    async def _work(self) -> bool:
        """Index some of the sessions that wait, the newest first; whether there were any. Another
        upload meanwhile comes before the rest."""
        store = self._store
        gone = await store.offload(store.rows, indexing.gone)
        if gone:
            await self._remove([row["session_file"] for row in gone])
        aside = self._set_aside()
        rows = await store.offload(store.rows, indexing.due, _SOME + len(aside))
        due = [row for row in rows if aside.get(row["session_file"]) != row["file_hash"]]
        if not due:  # whoever failed and is not due any more is gone, or indexed
            self._failed = {key: one for key, one in self._failed.items() if key in aside}
        for row in due:
            await self._index(row["session_file"], row["file_hash"])
            if store.version("session_files") != self._own:
                break
        return bool(due)

    async def _index(self, session_file: str, file_hash: str) -> None:
        store = self._store
        self._own = store.version("session_files")
        files = await store.offload(store.rows, indexing.files_of, Text(session_file))
        if hash_of(files) != file_hash:
            return  # another upload came: it will be found again
        order = {
            "do": "index",
            "session_file": session_file,
            "user_id": files[0]["user_id"],
            "uploaded_at": files[0]["uploaded_at"],
            "hash": file_hash,
            "files": [{key: row[key] for key in ("session_file", "sha256")} for row in files],
        }
        try:
            answer = await self._ask(order)
        except Gone:
            self._failed_again(session_file, file_hash, "the process that indexes ended")
            raise
        if answer.get("ok"):
            self._failed.pop(session_file, None)
            await self._commit(session_file, files[0]["user_id"], file_hash)
            self._own = store.version("session_files")
        elif "changed" in answer:
            self._failed_again(session_file, file_hash, None)
        else:
            self._failed_again(session_file, file_hash, str(answer.get("error")))

    async def _commit(self, session_file: str, user_id: str, file_hash: str) -> None:
        """Say that it is indexed, unless another upload came meanwhile."""
        row = {"session_file": session_file, "user_id": user_id, "file_hash": file_hash}

        def step(transaction: Transaction) -> None:
            files = transaction.ask(indexing.files_of, Text(session_file))
            if hash_of(files) != file_hash:
                return
            for key in ("session_file", "parent"):
                transaction.update(SESSION_FILES, {key: session_file}, {"indexed": True})
            transaction.put(TRANSCRIPT_SEARCH, {**row, "indexed_at": now()})

        await self._store.awrite(step)

    async def _remove(self, names: list[str]) -> None:
        await self._ask({"do": "remove", "session_files": names})

        def step(transaction: Transaction) -> None:
            transaction.delete_among(TRANSCRIPT_SEARCH, "session_file", names)

        await self._store.awrite(step)

    async def _reconcile(self) -> None:
        """What the tables say is indexed and is not there is due again; what is there and stands in
        no table goes."""
        lost, strange = await self._store.offload(self._differences)

        def step(transaction: Transaction) -> None:
            transaction.delete_among(TRANSCRIPT_SEARCH, "session_file", lost)

        if lost:
            await self._store.awrite(step)
        if strange:
            await self._remove(strange)

    def _differences(self) -> tuple[list[str], list[str]]:
        said = {row["session_file"]: row["file_hash"] for row in self._store.rows(indexing.indexed)}
        try:
            with Reading(self._folder) as reading:
                there = reading.sessions()
        except (FileNotFoundError, sqlite3.Error):
            there = {}
        lost = [
            name
            for name, file_hash in said.items()
            if there.get(name) != file_hash or not index_files.has(self._folder, name, file_hash)
        ]
        return lost, [name for name in there if name not in said]

    # -- the process

    async def _ask(self, order: Mapping[str, Any]) -> Row:
        """One order, one answer. Raises Gone."""
        process = await self._running()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(orjson.dumps(order, option=orjson.OPT_APPEND_NEWLINE))
            await process.stdin.drain()
            line = await asyncio.wait_for(process.stdout.readline(), _PATIENCE)
        except (TimeoutError, ConnectionError):
            line = b""
        except asyncio.CancelledError:
            await self._end()
            raise
        if not line:
            await self._end()
            raise Gone
        answer: Row = orjson.loads(line)
        return answer

    async def _running(self) -> asyncio.subprocess.Process:
        if self.pid is None or self._process is None:
            kept = {name: os.environ[name] for name in _HANDED_ON if name in os.environ}
            paths = os.pathsep.join(filter(None, (_ROOT, kept.get("PYTHONPATH"))))
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "ingest.indexer", str(self._folder)),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env={**kept, "PYTHONPATH": paths},
                cwd=self._folder,
                start_new_session=True,  # Ctrl-C is for the server, which then ends it
            )
        return self._process

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.kill()  # what it was writing is undone by SQLite
        await process.wait()

    # -- what failed

    def _failed_again(self, session_file: str, file_hash: str, why: str | None) -> None:
        """Why it failed; None when the file is not there yet, or not whole: uploads write its row
        first. Such a one is tried again soon, and then less and less often."""
        before, often, _ = self._failed.get(session_file, ("", 0, now()))
        often = often + 1 if before == file_hash else 1
        if why is None:
            wait = min(_SOON * 4 ** min(often - 1, 9), _ASIDE)
        else:
            wait = timedelta(0) if often < _TRIES else _ASIDE
            log.warning("not indexed", session_file=session_file, reason=why, tries=often)
        self._failed[session_file] = (file_hash, often, now() + wait)

    def _set_aside(self) -> dict[str, str]:
        """Hash of each session that is not to be tried now."""
        moment = now()
        return {key: one[0] for key, one in self._failed.items() if one[2] > moment}

    def _again(self) -> bool:
        """Whether a session that failed is to be tried again."""
        return bool(self._failed) and min(one[2] for one in self._failed.values()) <= now()
