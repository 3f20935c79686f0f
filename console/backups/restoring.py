"""A data folder out of a backup: looked at whole, made beside its place, and only then put there.

No server may run on the folder. What stands in its place is never deleted: with `force` it is moved
aside. Everything here blocks.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from console.audit import Caller, entry, now
from console.backups import archive
from console.backups.archive import DATABASE, DamagedBackup
from schema.copy import rows_in
from schema.engine import held_or_unreadable
from schema.errors import Conflict, NotFound, Unavailable
from schema.store import Store


@dataclass(frozen=True)
class Restored:
    """`aside`: where the folder went that stood in its place."""

    folder: Path
    made_at: str
    files: int
    rows: int
    aside: Path | None

    def as_dict(self) -> dict[str, Any]:
        aside = None if self.aside is None else str(self.aside)
        return {
            "folder": str(self.folder),
            "made_at": self.made_at,
            "files": self.files,
            "rows": self.rows,
            "aside": aside,
        }


def restore(
    backup: Path,
    folder: Path,
    *,
    force: bool = False,
    say: Callable[[str], None] = lambda text: None,
) -> Restored:
    """Make `folder` a data folder as it was when `backup` was taken, in this release's form. Raises
    DamagedBackup, Conflict where something is in its place, NotFound, Unavailable."""
    if not backup.is_file():
        raise NotFound(f"no backup {backup}", detail="Name its file, `agnes-….tar`.")
    _free(folder, force=force)
    say(f"looking at {backup}")
    manifest = archive.manifest_of(backup)
    folder.parent.mkdir(parents=True, exist_ok=True)
    for left in folder.parent.glob(f".{folder.name}.restoring-*"):
        shutil.rmtree(left, ignore_errors=True)  # of one that was cut off
    new = folder.with_name(f".{folder.name}.restoring-{secrets.token_hex(4)}")
    new.mkdir(mode=0o700)
    try:
        say("writing the files")
        archive.unpack(backup, manifest, new)
        _check(backup, new / DATABASE, manifest)
        _note(backup, new / DATABASE, manifest, say)
        aside = _put(new, folder, force=force)
    except OSError as error:
        raise Unavailable(
            f"nothing was restored: {error}", detail="Free space or mend it, then try again."
        ) from error
    finally:
        shutil.rmtree(new, ignore_errors=True)
    count = sum(manifest["rows"].values())
    return Restored(folder, manifest["made_at"], len(manifest["files"]), count, aside)


def _free(folder: Path, *, force: bool) -> None:
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise Conflict(f"{folder} is no folder", detail="Name another with --data-dir.")
    if folder.is_dir() and any(folder.iterdir()) and not force:
        raise Conflict(
            f"{folder} is not empty",
            detail="Name another with --data-dir, or move it aside with --force.",
        )
    database = folder / DATABASE
    if database.exists():  # held: a server runs on it
        try:
            duckdb.connect(str(database)).close()
        except duckdb.IOException as error:
            held = held_or_unreadable(database, error)
            if isinstance(held, Conflict):
                raise held from None
        except duckdb.Error:
            pass  # broken: the more reason to restore


def _check(backup: Path, database: Path, manifest: dict[str, Any]) -> None:
    """The tables have the rows that the manifest tells of."""
    try:
        found = rows_in(database)
    except duckdb.Error as error:
        raise DamagedBackup(f"{backup}: {DATABASE} cannot be opened: {error}") from None
    for name in sorted({*found, *manifest["rows"]}):
        if found.get(name) != manifest["rows"].get(name):
            told = manifest["rows"].get(name)
            raise DamagedBackup(f"{backup}: {name} has {found.get(name)} rows, not {told}")


def _note(
    backup: Path, database: Path, manifest: dict[str, Any], say: Callable[[str], None]
) -> None:
    """Bring the tables to this release's form, and write down that they were restored."""
    store = Store(database, say=say)
    try:
        params = {
            "backup": backup.name,
            "made_at": manifest["made_at"],
            "files": len(manifest["files"]),
            "rows": sum(manifest["rows"].values()),
        }
        resource = f"backup:{backup.name}"
        store.write(entry(Caller(), "backup.restore", resource=resource, params=params)).result()
    finally:
        store.close()


def _put(new: Path, folder: Path, *, force: bool) -> Path | None:
    """By one rename; what was there before goes aside by another one."""
    aside = None
    if folder.is_dir() and any(folder.iterdir()):
        if not force:
            raise Conflict(f"{folder} is not empty any more", detail="Nothing was restored.")
        aside = folder.with_name(f"{folder.name}.before-{now():%Y%m%dT%H%M%SZ}")
        os.rename(folder, aside)
    os.rename(new, folder)  # over an empty folder, too
    number = os.open(folder.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
    return aside
