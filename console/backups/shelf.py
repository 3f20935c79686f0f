"""Which backups there are: a folder of files, newest first by their names."""

from __future__ import annotations

import re
import shutil
from dataclasses import asdict, dataclass
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
    """One file on the shelf; `made_at` is naive UTC."""

    name: str
    made_at: datetime
    bytes: int

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


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
        if match and path.is_file() and not path.is_symlink():
            made = datetime.strptime(match[1], _FORM)
            found.append(Backup(path.name, made, path.stat().st_size))
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
