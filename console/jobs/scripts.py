"""Scripts: notebooks and Python files of one allowed folder, which run as their owner when they are
due. Registering, changing and removing them; what the dispatcher is handed of one.

`create`, `change` and `remove` are steps for `Store.write`. A script's name is what its runs are
kept under, so it never changes.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any

from console import beats
from console.audit import Caller, entry, new_id, now
from console.identity.lookup import Outside, Reads, Row, changes, one, where
from console.jobs.schedule import Job
from console.queries.scripts import PREFIX
from console.settings import Settings
from console.tables import table_files
from console.tables.parquet_rows import Unfit
from schema.errors import BadParameter, Conflict, NotFound, shorten
from schema.store import Store
from schema.tables import SCRIPTS, USERS
from schema.transaction import Rows, Transaction

KINDS = (".ipynb", ".py")
SECONDS, MEGABYTES = (1, 86_400), (256, 65_536)
DEFAULTS: Row = {"timeout_seconds": 1800, "memory_mb": 4096, "enabled": True}
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_NAMED = "lower-case letters, digits, `_` and `-`, at most 63"
_DESCRIPTION = 2000
Step = Callable[[Transaction], Row]


def folder(settings: Settings) -> Path:
    """Where scripts lie."""
    named = settings.scripts_dir
    return Path(named).expanduser().absolute() if named else settings.folder / "scripts"


def located(settings: Settings, path: str) -> str:
    """The path below the folder of scripts, checked: a plain file, no link on the way. Blocks.
    Raises BadParameter."""
    allowed = folder(settings)
    try:
        if PurePosixPath(path).suffix.lower() not in KINDS:
            raise Unfit("a file that ends in " + " or ".join(KINDS))
        _, parts = table_files.within((allowed,), path)
        number = table_files.descend(allowed, parts)
    except Unfit as error:
        raise BadParameter("path", path, str(error)) from None
    except OSError as error:
        why = f"{table_files.reason(error)} in {allowed}"
        raise BadParameter("path", path, why) from None
    try:
        if not stat.S_ISREG(os.fstat(number).st_mode):
            raise BadParameter("path", path, "a plain file")
    finally:
        os.close(number)
    return str(PurePosixPath(*parts))


# -- changing what is registered


def create(caller: Caller, given: Mapping[str, Any], path: str) -> Step:
    """`given`: name and owner, and what else is wanted; `path` as `located` gives it. Raises
    BadParameter, NotFound for such an owner, Conflict for a name that is taken."""
    name = given["name"]
    if not _NAME.fullmatch(name):
        raise BadParameter("name", name, _NAMED)
    row = {
        **dict.fromkeys(SCRIPTS.columns),
        **DEFAULTS,
        **_checked(given),
        "id": new_id(),
        "name": name,
        "path": path,
        "created_at": now(),
    }

    def step(transaction: Transaction) -> Row:
        if transaction.read(where(SCRIPTS, name=name)):
            raise Conflict(f"there is a script {name} already", detail="Use another name.")
        _owner(transaction, row["owner"])
        transaction.insert(Rows(SCRIPTS, [row]))
        transaction.insert(_entry(caller, "scripts.create", row, row))
        return row

    return step


def change(caller: Caller, id: str, given: Mapping[str, Any], path: str | None) -> Step:
    """Set what is given. An empty `schedule` or `description` takes it away. Raises as `create`."""
    wanted = _checked(given) | ({"path": path} if path is not None else {})

    def step(transaction: Transaction) -> Row:
        before = one(transaction, SCRIPTS, "script", id)
        if "owner" in wanted:
            _owner(transaction, wanted["owner"])
        new = changes(before, wanted)
        if not new:
            return before
        after = {**before, **new, "updated_at": now()}
        transaction.update(SCRIPTS, {"id": id}, {**new, "updated_at": after["updated_at"]})
        told = {name: before[name] for name in new}
        transaction.insert(_entry(caller, "scripts.update", after, new, told))
        return after

    return step


def remove(caller: Caller, id: str) -> Callable[[Transaction], None]:
    """Its file and the runs it had stay. Raises NotFound."""

    def step(transaction: Transaction) -> None:
        before = one(transaction, SCRIPTS, "script", id)
        transaction.delete(SCRIPTS, {"id": id})
        transaction.insert(_entry(caller, "scripts.delete", before, {}, before))

    return step


def _entry(caller: Caller, action: str, row: Row, told: Row, before: Row | None = None) -> Rows:
    params = {"id": row["id"], "name": row["name"], **told}
    return entry(caller, action, resource=f"script:{row['id']}", params=params, before=before)


def _owner(reads: Reads, id: str) -> None:
    user = one(reads, USERS, "user", id)
    if not user["is_active"]:
        raise Conflict(f"{user['email']} is deactivated", detail="Name somebody who can sign in.")


def _checked(given: Mapping[str, Any]) -> Row:
    names = ("owner", "timeout_seconds", "memory_mb", "enabled")
    found: Row = {name: given[name] for name in names if name in given}
    for name, (least, most) in {"timeout_seconds": SECONDS, "memory_mb": MEGABYTES}.items():
        if name in found and not least <= found[name] <= most:
            raise BadParameter(name, found[name], f"a whole number from {least} to {most}")
    for name in ("schedule", "description"):
        if name in given:
            found[name] = given[name].strip() or None
    if found.get("schedule"):
        beats.parse(found["schedule"])
    if len(found.get("description") or "") > _DESCRIPTION:
        raise BadParameter("description", found["description"], f"at most {_DESCRIPTION} signs")
    return found


# -- running


def job_of(settings: Settings, row: Mapping[str, Any]) -> Job:
    """What the dispatcher runs. Blocks. Raises BadParameter for a file that is no script any
    more."""
    return Job(
        name=PREFIX + row["name"],
        title=row["description"] or row["name"],
        notebook=folder(settings) / located(settings, row["path"]),
        every=0,
        timeout=row["timeout_seconds"],
        owner=row["owner"],
        memory_mb=row["memory_mb"],
    )


def named(store: Store, job_name: str) -> Row:
    """The script whose runs have this name. Blocks. Raises NotFound."""
    rows = store.read(where(SCRIPTS, name=job_name.removeprefix(PREFIX))).to_pylist()
    if not rows or not job_name.startswith(PREFIX):
        raise NotFound(f"no job {shorten(job_name)}", detail="It may have been removed.")
    row: Row = rows[0]
    return row


def of_id(store: Store, id: str) -> Row:
    """Blocks. Raises NotFound, and Conflict for one whose owner cannot sign in."""
    reads = Outside(store)
    row = one(reads, SCRIPTS, "script", id)
    _owner(reads, row["owner"])
    return row


def may_run(store: Store, owner: str) -> None:
    """Blocks. Raises Conflict for a script's owner who cannot sign in."""
    _owner(Outside(store), owner)


def due(row: Mapping[str, Any], at: datetime) -> bool:
    """Whether a row of `listing` is to run now."""
    if not row["enabled"] or not row["schedule"]:
        return False
    beat = beats.parse(row["schedule"])
    return beat.due(row["last_queued_at"] or _begun(row, beat), at)


def next_due(row: Mapping[str, Any], at: datetime) -> datetime | None:
    """When it will run next; `at` where it is due already."""
    if not row["enabled"] or not row["schedule"]:
        return None
    beat = beats.parse(row["schedule"])
    last = row["last_queued_at"] or _begun(row, beat)
    found = at if last is None else beat.after(last)
    return found if found is None else max(found, at)


def _begun(row: Mapping[str, Any], beat: beats.Beat) -> datetime | None:
    """From when the time of one that never ran is counted: `every 1h` begins at once, a time of the
    day is waited for."""
    began: datetime = row["created_at"]
    return None if beat.every is not None else began


def shown(row: Mapping[str, Any], at: datetime) -> Row:
    """A row of `listing` as it is answered."""
    last = None
    if row["last_run"] is not None:
        names = ("status", "queued_at", "finished_at", "error")
        last = {"id": row["last_run"], **{name: row[f"last_{name}"] for name in names}}
    kept = {name: row[name] for name in SCRIPTS.columns}
    return {
        **kept,
        "job": PREFIX + row["name"],
        "owner_email": row["owner_email"],
        "next_due": next_due(row, at),
        "last_run": last,
    }
