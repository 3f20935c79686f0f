"""A data folder out of a backup: looked at whole, made beside its place, and only then put there.

No server may run on the folder. What stands in its place is never deleted: with `force` it is moved
aside. An empty folder that cannot be exchanged as a whole (a volume is mounted there, or what it
lies in is not ours) is filled instead, the database last. Everything here blocks.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable
from contextlib import suppress
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

_HALF = ".restoring-"  # where one works that fills a folder


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
    new: Path | None = None
    try:
        _free(folder, force=force)
        say(f"looking at {backup}")
        manifest = archive.manifest_of(backup)
        new = _begin(folder)
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
        if new is not None:
            shutil.rmtree(new, ignore_errors=True)
    count = sum(manifest["rows"].values())
    return Restored(folder, manifest["made_at"], len(manifest["files"]), count, aside)


def _free(folder: Path, *, force: bool) -> None:
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise Conflict(f"{folder} is no folder", detail="Name another with --data-dir.")
    full = folder.is_dir() and _holds(folder)
    if full and _stays(folder):
        raise Conflict(
            f"{folder} is not empty, and cannot be moved aside",
            detail="A volume is mounted there, or its parent cannot be written: empty it, or name"
            " another with --data-dir.",
        )
    if full and not force:
        raise Conflict(
            f"{folder} is not empty",
            detail="Name another with --data-dir, or move it aside with --force.",
        )
    database = folder / DATABASE
    if database.exists():  # held: a server runs on it
        try:
            duckdb.connect(str(database), read_only=True).close()  # changes nothing in it
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


def _holds(folder: Path) -> bool:
    """Whether anything is in it but what a new volume has, or a restore that was cut off."""
    found = (path.name for path in folder.iterdir())
    return any(name != "lost+found" and not name.startswith(_HALF) for name in found)


def _stays(folder: Path) -> bool:
    """Whether a folder that is there can only be filled, not exchanged."""
    return _is_mounted(folder) or not os.access(folder.parent, os.W_OK)


def _is_mounted(folder: Path) -> bool:
    """Also where one folder is mounted on another of the same disk, which `ismount` cannot see."""
    try:
        mounts = Path("/proc/self/mountinfo").read_bytes().splitlines()
    except OSError:
        return os.path.ismount(folder)
    # Blanks stand there as octal numbers.
    places = (line.split()[4].decode("unicode-escape").encode("latin-1") for line in mounts)
    return os.fsencode(folder.resolve()) in places


def _begin(folder: Path) -> Path:
    """A new folder to work in, on the disk of `folder`; what one that was cut off has left goes."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    for left in [*folder.parent.glob(f".{folder.name}.restoring-*"), *folder.glob(f"{_HALF}*")]:
        shutil.rmtree(left, ignore_errors=True)
    inside = folder.is_dir() and _stays(folder)
    beside = folder.with_name(f".{folder.name}.restoring-{secrets.token_hex(4)}")
    new = folder / f"{_HALF}{secrets.token_hex(4)}" if inside else beside
    new.mkdir(mode=0o700)
    return new


def _put(new: Path, folder: Path, *, force: bool) -> Path | None:
    """By one rename; what was there before goes aside by another one."""
    _free(folder, force=force)  # some time has passed
    if new.parent == folder:
        _fill(new, folder)
        return None
    aside = None
    if folder.is_dir() and any(folder.iterdir()):
        aside = folder.with_name(f"{folder.name}.before-{now():%Y%m%dT%H%M%SZ}")
        os.rename(folder, aside)
    os.rename(new, folder)  # over an empty folder, too
    _settle(folder.parent)
    return aside


def _fill(new: Path, folder: Path) -> None:
    """Move what is in `new` up into `folder`, which holds it. The database comes last: before, the
    folder is none of a console. Where it fails nothing of it stays."""
    names = sorted((path.name for path in new.iterdir()), key=lambda name: name == DATABASE)
    moved: list[str] = []
    try:
        for name in names:
            os.rename(new / name, folder / name)
            moved.append(name)
    except OSError:
        for name in moved:
            os.rename(folder / name, new / name)
        raise
    with suppress(PermissionError):  # a volume's own folder may be another's: the doctor says so
        os.chmod(folder, 0o700)
    _settle(folder)


def _settle(folder: Path) -> None:
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
