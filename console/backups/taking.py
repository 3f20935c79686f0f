"""Taking a backup: a snapshot of the tables, then every file that its rows name, then a look at all
of it, and only then its name.

Uploads go on meanwhile. A transcript that was replaced after the snapshot stands in the backup with
its newer row, so that each row and its bytes belong together. What can be made anew (indexes, the
text index) is left out. Everything here blocks.
"""

from __future__ import annotations

import os
import shutil
import stat
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb

from console.audit import now
from console.backups import archive, shelf
from console.syncing import published
from ingest.folders import entered
from ingest.session_files import FOLDER as SESSIONS
from ingest.session_files import Target
from ingest.uploads import held_still, row_of
from schema.copy import rows_in
from schema.errors import AgnesError, Unavailable
from schema.store import Store

SYNCED = "agnes.synced"  # in the backup, beside its `agnes.duckdb`, whatever AGNES_ENGINE names
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEWER = (
    "UPDATE session_files SET bytes = ?, sha256 = ?, uploaded_at = ?, indexed = false"
    " WHERE session_file = ?"
)
_TRIES = 5  # of a transcript that is replaced again and again
# Made anew from the rest, or of this process only.
_LEFT_OUT = frozenset({"index", "tmp", SESSIONS, shelf.FOLDER, SYNCED})
_LEFT_OUT_FILES = ("search.sqlite", "agnes.duckdb")
_FULL = ("No space left", "Disk quota", "disk is full", "File too large", "not enough space")


@dataclass
class Taken:
    """A finished backup. `moved`: transcripts that were replaced while it was taken; `missing`:
    rows whose file was not in its place; `strange`: files with other bytes than their row says."""

    path: Path
    made_at: datetime
    bytes: int
    files: int
    rows: dict[str, int]
    seconds: float
    moved: int = 0
    missing: list[str] = field(default_factory=list)
    strange: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        return {
            "name": self.path.name,
            "made_at": self.made_at,
            "bytes": self.bytes,
            "files": self.files,
            "rows": sum(self.rows.values()),
            "tables": self.rows,
            "seconds": round(self.seconds, 3),
            "moved": self.moved,
            "missing": self.missing,
            "strange": self.strange,
        }


def take(store: Store, data: Path, place: Path) -> Taken:
    """A backup of `store` and the data folder `data` into the folder `place`. Raises Unavailable
    when the disk is full; then nothing is left of it."""
    begun, at = time.monotonic(), now()
    try:
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        shelf.sweep(place)
        work = place / f"{shelf.PARTIAL}{shelf.name_of(at)}"
        work.mkdir(mode=0o700)
        try:
            return _take(_Work(store, data, work), place / shelf.name_of(at), at, begun)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    except (OSError, duckdb.Error, ValueError) as error:  # the last: a copy that is no true one
        if any(word in str(error) for word in _FULL):
            raise Unavailable(
                f"no backup was made: the disk of {place} is full",
                detail="Free space there, or name another folder with AGNES_BACKUP_DIR.",
            ) from error
        raise Unavailable(
            f"no backup was made in {place}: {error}", detail="Mend that, then try again."
        ) from error


@dataclass
class _Work:
    store: Store
    data: Path
    folder: Path
    moved: list[dict[str, Any]] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    strange: list[str] = field(default_factory=list)

    @property
    def database(self) -> Path:
        return self.folder / archive.DATABASE


def _take(work: _Work, target: Path, at: datetime, begun: float) -> Taken:
    work.store.copy_to(work.database)
    new = work.folder / "backup.tar"
    with new.open("xb") as file:
        os.fchmod(file.fileno(), 0o600)
        writer = archive.Writer(file, at.timestamp())
        for name, path in _files(work):
            _add(writer, name, path)
        for row in _transcripts(work.database):
            _add_transcript(work, writer, row)
        rows = _finished(work)
        _add(writer, archive.DATABASE, work.database)
        manifest = writer.close(
            {
                "made_at": f"{at.isoformat()}Z",
                "version": version("agnes-console"),
                "rows": rows,
                "missing": work.missing,
                "strange": work.strange,
            }
        )
    if archive.manifest_of(new) != manifest:
        raise AgnesError("what was written is not what was to be written", detail="Try again.")
    size, count = new.stat().st_size, len(manifest["files"])
    os.rename(new, target)
    _settle(target.parent)
    spent = time.monotonic() - begun
    return Taken(target, at, size, count, rows, spent, len(work.moved), work.missing, work.strange)


def _files(work: _Work) -> Iterator[tuple[str, Path]]:
    """Every file but transcripts and the database, by its name in the backup."""
    synced = published.folder(work.store).resolve()
    for path in _below(synced):
        yield f"{SYNCED}/{path.relative_to(synced).as_posix()}", path
    if not work.data.is_dir():
        return
    for entry in sorted(work.data.resolve().iterdir()):
        ours = entry.name.startswith(_LEFT_OUT_FILES) or entry.name in _LEFT_OUT
        inside = work.folder.is_relative_to(entry)  # a shelf in the data folder
        if ours or inside or entry.name.startswith(".") or entry.is_symlink():
            continue
        for path in [entry] if entry.is_file() else _below(entry):
            if not _of_database(work.store, path):
                yield path.relative_to(work.data.resolve()).as_posix(), path


def _of_database(store: Store, path: Path) -> bool:
    """Whether a file is the database, which may lie anywhere in the data folder, its log, what it
    spills, or what was synced."""
    database = store.path.resolve()
    if path.parent == database.parent and path.name.startswith(database.name):
        return True
    beside = (published.folder(store).resolve(), database.parent / "tmp")
    return any(path.is_relative_to(folder) for folder in beside)


def _below(folder: Path) -> Iterator[Path]:
    """The plain files below a folder, without links and without what is being written."""
    for here, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(here, name)
            if not name.startswith(".") and path.is_file() and not path.is_symlink():
                yield path


def _add(writer: archive.Writer, name: str, path: Path) -> None:
    """A file that is replaced as a whole or never; one that is gone by now is left out."""
    try:
        number = os.open(path, _READ)
    except FileNotFoundError:
        return
    with os.fdopen(number, "rb") as source:
        about = os.fstat(source.fileno())
        if stat.S_ISREG(about.st_mode):
            writer.add(name, source, about.st_size)


def _transcripts(database: Path) -> Sequence[dict[str, Any]]:
    """The uploads that the snapshot knows."""
    with duckdb.connect(str(database), read_only=True) as con:
        found = con.execute(
            "SELECT session_file, parent, sha256 FROM session_files ORDER BY session_file"
        )
        names = [column[0] for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def _add_transcript(work: _Work, writer: archive.Writer, row: dict[str, Any]) -> None:
    """Its bytes as the row promises them; a newer row where they were replaced since."""
    target, name = Target(row["session_file"], row["parent"]), f"{SESSIONS}/{row['session_file']}"
    wanted = row["sha256"]
    for attempt in range(_TRIES):
        with held_still(target):  # no upload of this name is between its row and its file
            newest = None if wanted == row["sha256"] else row_of(work.store, row["session_file"])
            try:
                with entered(work.data / SESSIONS, target.folders) as place:
                    number = os.open(target.filename, _READ, dir_fd=place)
            except (FileNotFoundError, NotADirectoryError):
                work.missing.append(row["session_file"])
                return
        if newest is not None:
            wanted = newest["sha256"]
        with os.fdopen(number, "rb") as source:
            size = os.fstat(source.fileno()).st_size
            # What is never as a row promises was changed by hand: it is kept as it is, and named.
            last = attempt + 1 == _TRIES
            if writer.add(name, source, size, must_be=None if last else wanted):
                if last:
                    work.strange.append(row["session_file"])
                    return
                if newest is not None:
                    work.moved.append(newest)
                return
        wanted = ""  # ask for its row as it is now


def _finished(work: _Work) -> dict[str, int]:
    """Bring newer rows of replaced transcripts into the copy; its rows by table."""
    if work.moved:
        with duckdb.connect(str(work.database)) as con:
            for row in work.moved:
                given = [row[name] for name in ("bytes", "sha256", "uploaded_at", "session_file")]
                con.execute(_NEWER, given)
    return rows_in(work.database)


def _settle(folder: Path) -> None:
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
