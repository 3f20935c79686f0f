"""Syncing: whose turn it is, and the way of an attempt from its source to what is published.

One object a server, and one attempt at a time: sources are read in processes of their own, which
take memory and time from those who ask. SPEC sections 3, 17 and 18.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import orjson
import structlog

from console import beats
from console.audit import Caller, cut, now
from console.posthog import PostHog
from console.queries import syncing as queries
from console.queries.registered import of_sources
from console.settings import Settings
from console.syncing import definition, publish
from console.syncing.definition import APPEND, SOURCES, SQL, Definition
from console.syncing.drift import Drift
from console.syncing.failed import ERROR_LIMIT, SOURCE, STOPPED, Failed
from console.syncing.process import Attempted
from console.syncing.publish import Result
from console.syncing.published import folder
from console.tables import table_files
from schema.errors import AgnesError, BadRequest, Conflict, NotFound, shorten
from schema.store import Store

log = structlog.get_logger(__name__)


class Holds(Protocol):
    @property
    def store(self) -> Store: ...
    @property
    def settings(self) -> Settings: ...
    @property
    def posthog(self) -> PostHog: ...


class InProgress(Conflict):
    """A sync is running already."""

    title = "In progress"


@dataclass(frozen=True)
class Attempt:
    """One attempt to sync one table. `id`: its row of `sync_history`; `status`: ok, error or
    unchanged; `rows`: those that it brought."""

    id: str
    table_id: str
    status: str
    rows: int
    duration_ms: int
    error: str | None = None
    drift: Drift = field(default_factory=dict)


class Syncs:
    def __init__(self, instance: Holds) -> None:
        self._instance = instance
        self._current: Attempted | None = None
        self._closed = False
        self.running = False

    @property
    def _store(self) -> Store:
        return self._instance.store

    async def sync(
        self, caller: Caller, ids: Sequence[str] | None, *, trigger: str
    ) -> list[Attempt]:
        """Sync these tables one after the other; None: every one that syncs. `trigger` says in the
        log what started it: schedule, api, page or cli. Raises InProgress, NotFound, BadRequest
        for a table that does not sync."""
        with self._turn():
            tables = await self._store.offload(self._wanted, ids)
            return [await self._one(caller, table, trigger) for table in tables]

    @contextlib.contextmanager
    def _turn(self) -> Iterator[None]:
        if self.running:
            raise InProgress(
                "a sync is running already", detail="Wait for it to end; the history shows it."
            )
        self.running = True
        try:
            yield
        finally:
            self.running = False

    def due(self, at: datetime) -> list[str]:
        """The tables whose schedule says that they are due at `at` (naive UTC). Blocks."""
        found = []
        for row in self._store.rows(queries.scheduled, SOURCES):
            with contextlib.suppress(AgnesError):  # what is no schedule is never due
                if beats.parse(row["schedule"]).due(row["last"], at):
                    found.append(row["id"])
        return found

    def next_due(self, schedule: str | None, last: datetime | None, at: datetime) -> datetime:
        """When a table with this schedule, last tried at `last`, is due; `at` for now. Raises
        BadParameter for what is no schedule."""
        beat = beats.parse(schedule or "")
        found = None if last is None else beat.after(last)
        return at if found is None else max(at, found)

    def tidy(self) -> None:
        """Remove what a crash, or a version that is no more, left. Blocks; call it at the start."""
        publish.tidy(self._store)

    def close(self) -> None:
        """End the attempt that runs."""
        self._closed = True
        if self._current is not None:
            self._current.stop()

    # -- one attempt

    def _wanted(self, ids: Sequence[str] | None) -> list[Definition]:
        rows = {row["id"]: row for row in self._store.rows(of_sources, SOURCES)}
        if ids is None:
            return [table for table in map(definition.of, rows.values()) if table.syncs]
        found = []
        for id in dict.fromkeys(ids):
            if id not in rows:
                raise NotFound(
                    f"no table {shorten(id)} that syncs",
                    detail="These do: " + (", ".join(list(rows)[:20]) or "none") + ".",
                )
            table = definition.of(rows[id])
            if not table.syncs:
                raise BadRequest(f"{table.name} is read at its source and never synced")
            found.append(table)
        return found

    async def _one(self, caller: Caller, table: Definition, trigger: str) -> Attempt:
        caller = replace(caller, started=time.perf_counter())
        attempt, began = publish.new_attempt(), now()
        result = Result(attempt, began, 0)
        try:
            result = await self._read(table, result)
        except Failed as error:
            result = replace(result, failed=error, drift=error.drift)
        except OSError as error:
            log.error("sync failed", table=table.id, error=str(error))
            said = f"nothing could be written: {error.strerror}"
            result = replace(result, failed=Failed(STOPPED, said))
        except Exception as error:
            log.exception("sync failed", table=table.id)
            self._instance.posthog.swallowed(error)
            said = f"it failed with {type(error).__name__}; the server's log has more"
            result = replace(result, failed=Failed(STOPPED, said))
        took = time.perf_counter() - (caller.started or 0.0)
        return await self._recorded(
            caller, table, trigger, replace(result, duration_ms=round(took * 1000))
        )

    async def _read(self, table: Definition, result: Result) -> Result:
        """Raises Failed, OSError."""
        if self._closed:
            raise Failed(STOPPED, "the server stopped meanwhile")
        store = self._store
        work = await store.offload(publish.work_folder, store, result.id)
        self._current = Attempted()
        try:
            order = await store.offload(self._order, table, work)
            answer = await self._current.run(order, seconds=order["seconds"])
            if answer.get("unchanged"):
                return result
            path = await store.offload(
                publish.place, store, table.id, result.id, work / "new.parquet"
            )
            return replace(result, answer=answer, path=path, drift=answer["drift"])
        finally:
            self._current = None
            await asyncio.to_thread(shutil.rmtree, work, ignore_errors=True)

    async def _recorded(
        self, caller: Caller, table: Definition, trigger: str, result: Result
    ) -> Attempt:
        """Write down how it went; a table that was changed meanwhile keeps what it has."""
        store = self._store
        try:
            old = await store.awrite(publish.recorded(caller, table, trigger, result))
        except Failed as error:
            await store.offload(publish.remove, store, result.path)
            result = replace(result, answer=None, path=None, failed=error)
            old = await store.awrite(publish.recorded(caller, table, trigger, result))
        except BaseException:
            if result.path is not None:
                publish.remove(store, result.path)
            raise
        for path in old:
            await store.offload(publish.remove, store, path)
        failed = result.failed
        status = "error" if failed else "ok" if result.answer is not None else "unchanged"
        return Attempt(
            id=result.id,
            table_id=table.id,
            status=status,
            rows=0 if failed else publish.brought(result),
            duration_ms=result.duration_ms,
            error=cut(failed.message, ERROR_LIMIT) if failed else None,
            drift=result.drift,
        )

    def _order(self, table: Definition, work: Path) -> dict[str, Any]:
        """What the process is told. Blocks. Raises Failed."""
        settings = self._instance.settings
        return {
            "definition": asdict(table),
            "work": str(work),
            "folders": [str(one) for one in table_files.folders(settings)],
            "hosts": list(settings.sync_allow_private),
            "seconds": settings.sync_seconds,
            "memory": settings.sync_memory_mb << 20,
            "most": settings.sync_max_mb << 20,
            "last": self._last(table),
            "connection": self._connection(table),
        }

    def _last(self, table: Definition) -> dict[str, Any] | None:
        rows = self._store.rows(queries.newest, table.id)
        if not rows:
            return None
        row = rows[0]
        path = folder(self._store) / row["path"]
        if not path.is_file():
            if table.sync_mode == APPEND:
                raise Failed(
                    SOURCE,
                    "the file of its last version is gone: sync once with sync_mode=full, or "
                    "bring the file back",
                )
            return None
        return {
            "path": str(path),
            "columns": orjson.loads(row["columns"]),
            "state": orjson.loads(row["state"] or "{}"),
            "is_same": row["source"] == table.source,
        }

    def _connection(self, table: Definition) -> Mapping[str, Any] | None:
        if table.source_type != SQL:
            return None
        for one in self._instance.settings.sources:
            if one.name == table.connection:
                return asdict(one)
        raise Failed(SOURCE, f"AGNES_SOURCES names no connection {table.connection}")
