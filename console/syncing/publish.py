"""What a process wrote becomes what is read: at once, as a whole, or not at all.

First the file stands under its name, on the disk for good; then one transaction writes its row, the
row of the attempt and that of the log. A crash between leaves a file that no row names, which the
next start removes. SPEC sections 3 and 17.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from console.audit import Caller, cut, entry, new_id, now
from console.queries import syncing as queries
from console.syncing import definition
from console.syncing.definition import Definition
from console.syncing.drift import Drift
from console.syncing.failed import CHANGED, ERROR_LIMIT, Failed
from console.syncing.published import folder
from schema.store import Store
from schema.table import rows_of
from schema.tables import SYNC_HISTORY, TABLE_REGISTRY, TABLE_VERSIONS
from schema.transaction import Rows, Transaction

KEPT = 2  # versions of a table, the newest among them
ORPHANS = timedelta(days=30)  # that the versions of a removed table are kept for its undo
_WORK = ".work"


@dataclass(frozen=True)
class Result:
    """How an attempt went. `answer`: what the process said of the file that it wrote, at `path`
    below the folder of all; None for one that published nothing."""

    id: str
    began: datetime
    duration_ms: int
    answer: Mapping[str, Any] | None = None
    path: str | None = None
    failed: Failed | None = None
    drift: Drift = field(default_factory=dict)


# -- files


def work_folder(store: Store, attempt: str) -> Path:
    """A folder for one attempt alone, made now."""
    work = folder(store) / _WORK / attempt
    work.mkdir(parents=True, mode=0o700)
    return work


def place(store: Store, table_id: str, attempt: str, written: Path) -> str:
    """Move a file that is on the disk to where it stays; its path below the folder of all."""
    path = f"{hashlib.sha256(table_id.encode()).hexdigest()[:24]}/{attempt}.parquet"
    target = folder(store) / path
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.replace(written, target)
    for one in (target.parent, target.parent.parent):
        number = os.open(one, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(number)
        finally:
            os.close(number)
    return path


def remove(store: Store, path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        (folder(store) / path).unlink()


def tidy(store: Store) -> None:
    """Remove what no attempt and no row needs: what a crash left, files of versions that are no
    more. Only while nothing syncs. Blocks."""
    forget_removed(store)
    shutil.rmtree(folder(store) / _WORK, ignore_errors=True)
    named = {row["path"] for row in store.rows(queries.versions)}
    for file in folder(store).glob("*/*.parquet"):
        if str(file.relative_to(folder(store))) not in named:
            file.unlink(missing_ok=True)


def forget_removed(store: Store) -> None:
    """Forget the versions of tables that were removed long ago. Blocks."""
    gone = [row["table_id"] for row in store.rows(queries.removed) if _is_past(row["removed_at"])]
    if gone:
        store.write(lambda write: write.delete_among(TABLE_VERSIONS, "table_id", gone)).result()


def _is_past(removed_at: datetime | None) -> bool:
    return removed_at is None or removed_at < now() - ORPHANS


# -- rows


def recorded(caller: Caller, table: Definition, trigger: str, result: Result) -> Any:
    """A step for `Store.write`: the attempt, its row in the log, and, of a good one, the version.
    The answer are the paths of versions that are no more. Raises Failed where the table is no
    longer the one that was read; nothing is written then."""

    def step(transaction: Transaction) -> list[str]:
        old: list[str] = []
        if result.answer is not None and result.path is not None:
            _refuse_changed(transaction, table)
            old = _add(transaction, table, result)
        transaction.add(SYNC_HISTORY, _history(table, result))
        transaction.insert(_entry(caller, table, trigger, result))
        return old

    return step


def _refuse_changed(transaction: Transaction, table: Definition) -> None:
    registry = rows_of(TABLE_REGISTRY)
    found = transaction.read(registry.filter(registry.id == table.id))
    if not found or definition.of(found[0]).source != table.source:
        what = "changed" if found else "removed"
        raise Failed(CHANGED, f"the table was {what} while it was read")


def _add(transaction: Transaction, table: Definition, result: Result) -> list[str]:
    """The new version's row; those that are too many go."""
    told = dict(result.answer or {})
    profile = told["profile"]
    transaction.add(
        TABLE_VERSIONS,
        {
            "id": result.id,
            "table_id": table.id,
            "synced_at": now(),
            "path": result.path,
            **{name: told[name] for name in ("rows", "bytes", "sha256")},
            "columns": _json(told["columns"]),
            "profile": None if profile is None else _json(profile),
            "source": table.source,
            "state": _json(told["state"]),
        },
    )
    versions = transaction.ask(queries.version_paths, table.id)
    too_many = versions[KEPT:]
    if too_many:
        transaction.delete_among(TABLE_VERSIONS, "id", [row["id"] for row in too_many])
    return [row["path"] for row in too_many]


def _history(table: Definition, result: Result) -> dict[str, Any]:
    failed = result.failed
    return {
        "id": result.id,
        "table_id": table.id,
        "synced_at": now(),
        "rows": None if failed else brought(result),
        "duration_ms": result.duration_ms,
        "status": "error" if failed else "ok",
        "error": cut(failed.message, ERROR_LIMIT) if failed else None,
        "drift": _json(result.drift) if result.drift else None,
    }


def _entry(caller: Caller, table: Definition, trigger: str, result: Result) -> Rows:
    failed = result.failed
    params = {
        "sync_ids": [result.id],
        "source": table.source_type,
        "mode": table.sync_mode,
        "trigger": trigger,
        "rows": None if failed else brought(result),
        "unchanged": True if not failed and result.answer is None else None,
        "drift": result.drift or None,
        "error": failed.message if failed else None,
    }
    told = f"error.{failed.what}" if failed else "success"
    return entry(caller, "sync.table", resource=f"table:{table.id}", params=params, result=told)


def brought(result: Result) -> int:
    """The rows that an attempt brought: none where nothing was new."""
    return int(result.answer["brought"]) if result.answer else 0


def new_attempt() -> str:
    return new_id()


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()
