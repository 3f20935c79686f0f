"""Which backups there are: a folder of files, newest first by their names."""

from __future__ import annotations

import re
import shutil
import stat
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from console.settings import Settings
from schema.errors import NotFound, shorten

PARTIAL = ".partial-"  # what is being written: never a backup
FOLDER = "backups"
_NAME = re.compile(r"agnes-(\d{8}T\d{12}Z)\.tar")
_FORM = "%Y%m%dT%H%M%S%fZ"


@dataclass(frozen=True)
class Backup:
    """One file on the shelf; `made_at` is naive UTC; `loose`: others on this machine may read
    it."""

    name: str
    made_at: datetime
    bytes: int
    loose: bool = False

    def as_dict(self) -> dict[str, Any]:
        return {"name": self.name, "made_at": self.made_at, "bytes": self.bytes}


def folder(settings: Settings) -> Path:
    """Where backups are put: AGNES_BACKUP_DIR, else `backups` in the data folder."""
    named = settings.backup_dir
    return Path(named).expanduser().resolve() if named else settings.folder / FOLDER


def name_of(at: datetime) -> str:
    return f"agnes-{at:{_FORM}}.tar"


def backups(shelf: Path) -> list[Backup]:
    """All that are whole, newest first. Blocks."""
    found = []
    for path in shelf.glob("agnes-*.tar"):
        match = _NAME.fullmatch(path.name)
        try:
            about = path.lstat()
        except OSError:
            continue  # it was deleted this moment, as a newer one came
        if match and stat.S_ISREG(about.st_mode):
            made = datetime.strptime(match[1], _FORM)
            found.append(Backup(path.name, made, about.st_size, bool(about.st_mode & 0o077)))
    return sorted(found, key=lambda one: one.name, reverse=True)


def path_of(shelf: Path, name: str) -> Path:
    """The file of a backup. Raises NotFound."""
    if not _NAME.fullmatch(name) or not (shelf / name).is_file():
        raise NotFound(f"no backup {shorten(name)}", detail="`agnes backup --list` names them.")
    return shelf / name


def thin(shelf: Path, keep: int) -> list[str]:
    """Delete all but the newest `keep`; the names that went."""
    gone = [one.name for one in backups(shelf)[keep:]]
    for name in gone:
        (shelf / name).unlink(missing_ok=True)
    return gone


def sweep(shelf: Path) -> None:
    """Remove what a backup that was cut off has left."""
    for left in shelf.glob(f"{PARTIAL}*"):
        shutil.rmtree(left, ignore_errors=True)
