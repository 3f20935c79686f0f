"""The files that a path, a glob or a folder means: opened only inside the allowed folders, each
folder of the way without following a link, so that nothing that changes meanwhile leads outside.

Files stay open while they are read: what is read is what was judged.
"""

from __future__ import annotations

import fnmatch
import gzip
import hashlib
import os
import stat
import time
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from console.syncing.failed import LIMIT, REFUSED, SOURCE, Failed
from console.tables import table_files
from console.tables.parquet_rows import Unfit

MOST_FILES = 10_000
_MOST_SEEN = 200_000  # names that a glob may look at
_PIECE = 1 << 20
_SETTLED = 2_000_000_000  # nanoseconds without a change
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_GZIP = b"\x1f\x8b"
_ENDINGS = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".json": "json",
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".parquet": "parquet",
}
_KINDS = {
    "text/csv": "csv",
    "text/tab-separated-values": "csv",
    "application/json": "json",
    "application/x-ndjson": "ndjson",
    "application/jsonlines": "ndjson",
    "application/vnd.apache.parquet": "parquet",
    "application/x-parquet": "parquet",
}


@dataclass(frozen=True)
class Found:
    """A file that is open under the descriptor `number`. `path` is for people."""

    path: str
    number: int

    @property
    def place(self) -> str:
        """Where this process reads what it has open, whatever stands under the path by then."""
        return f"/proc/self/fd/{self.number}"

    def stamp(self) -> tuple[int, int]:
        about = os.fstat(self.number)
        return about.st_size, about.st_mtime_ns

    def about(self) -> dict[str, Any]:
        """`size, mtime`; mtime is 0 for a file that was written just now, since a clock of files
        may stand still for milliseconds."""
        about = os.fstat(self.number)
        settled = time.time_ns() - about.st_mtime_ns > _SETTLED
        return {"size": about.st_size, "mtime": about.st_mtime_ns if settled else 0}


def format_of(path: str, kind: str = "") -> str | None:
    """The format that a file's name, or a media type, says."""
    pure = PurePosixPath(path.lower())
    suffix = PurePosixPath(pure.stem).suffix if pure.suffix == ".gz" else pure.suffix
    return _ENDINGS.get(suffix) or _KINDS.get(kind)


def is_glob(text: str) -> bool:
    return any(sign in text for sign in "*?[")


def found(allowed: Sequence[Path], location: str, wanted: str | None) -> list[Found]:
    """What `location` means, by path; of a folder the files of the `wanted` format, or of any.
    Raises Failed."""
    try:
        folder, parts = table_files.within(allowed, location)
    except Unfit as error:
        raise Failed(REFUSED, f"{location}: {error}") from None
    try:
        at = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        walk = _Walk(folder, wanted)
        walk.enter(at, folder, list(parts))
    except OSError as error:
        where = error.filename or location
        raise Failed(SOURCE, f"{where}: {table_files.reason(error)}") from None
    if not walk.files:
        raise Failed(SOURCE, f"{location}: no file is there")
    return sorted(walk.files, key=lambda file: file.path)


class _Walk:
    def __init__(self, folder: Path, wanted: str | None) -> None:
        self.files: list[Found] = []
        self._paths: set[str] = set()
        self._folder, self._wanted, self._seen = folder, wanted, 0

    def enter(self, at: int, path: Path, parts: list[str]) -> None:
        """Look for `parts` below the open folder `at`, which is closed then."""
        try:
            if not parts:
                self._whole(at, path)
            elif parts[0] == "**":
                self.enter(os.dup(at), path, parts[1:] or ["*"])
                for name in self._names(at, path, "*"):
                    if _is_folder(at, name):
                        self.enter(self._open(at, path / name, name, _FOLDER), path / name, parts)
            elif is_glob(parts[0]):
                for name in self._names(at, path, parts[0]):
                    if len(parts) == 1 and _is_folder(at, name):
                        continue
                    self._one(at, path / name, name, parts[1:])
            else:
                self._one(at, path / parts[0], parts[0], parts[1:])
        finally:
            os.close(at)

    def _one(self, at: int, path: Path, name: str, rest: list[str]) -> None:
        if rest or _is_folder(at, name):
            if rest and not _is_folder(at, name) and _exists(at, name) and not _is_link(at, name):
                return  # a file where a glob wants a folder
            self.enter(self._open(at, path, name, _FOLDER), path, rest)
        else:
            self._take(at, path, name)

    def _whole(self, at: int, path: Path) -> None:
        """The files of a folder that have a format, or the wanted one."""
        for name in self._names(at, path, "*"):
            kind = format_of(name)
            if kind and self._wanted in (None, kind) and not _is_folder(at, name):
                self._take(at, path / name, name)

    def _names(self, at: int, path: Path, pattern: str) -> list[str]:
        names = []
        with os.scandir(at) as entries:
            for entry in entries:
                self._seen += 1
                if self._seen > _MOST_SEEN:
                    raise Failed(LIMIT, f"{path}: more than {_MOST_SEEN:,} names to look at")
                hidden = entry.name.startswith(".") and not pattern.startswith(".")
                if not hidden and fnmatch.fnmatchcase(entry.name, pattern):
                    names.append(entry.name)
        return sorted(names)

    def _open(self, at: int, path: Path, name: str, how: int) -> int:
        try:
            return os.open(name, how, dir_fd=at)
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(path)) from None

    def _take(self, at: int, path: Path, name: str) -> None:
        if str(path) in self._paths:
            return
        if not str(path).isprintable():
            raise Failed(REFUSED, f"{str(path)!a}: its name is no printable text")
        number = self._open(at, path, name, _FILE)
        if not stat.S_ISREG(os.fstat(number).st_mode):
            os.close(number)
            raise Failed(REFUSED, f"{path}: it is no plain file")
        self._paths.add(str(path))
        self.files.append(Found(str(path), number))
        if len(self.files) > MOST_FILES:
            raise Failed(LIMIT, f"{path.parent}: more than {MOST_FILES:,} files")


def _mode(at: int, name: str) -> int:
    try:
        return os.stat(name, dir_fd=at, follow_symlinks=False).st_mode
    except FileNotFoundError:
        return 0


def _is_folder(at: int, name: str) -> bool:
    return stat.S_ISDIR(_mode(at, name))


def _is_link(at: int, name: str) -> bool:
    return stat.S_ISLNK(_mode(at, name))


def _exists(at: int, name: str) -> bool:
    return _mode(at, name) != 0


# -- their bytes


def digest(file: Found) -> str:
    sha = hashlib.sha256()
    for piece in _pieces(file):
        sha.update(piece)
    return sha.hexdigest()


def unpacked(file: Found, target: Path, most: int) -> Found:
    """The file itself, or, where it is packed with gzip, what is in it, written to `target`.
    Raises Failed for more than `most` bytes."""
    if os.pread(file.number, 2, 0) != _GZIP:
        return file
    size = 0
    source = os.fdopen(os.dup(file.number), "rb")
    source.seek(0)
    try:
        with source, gzip.GzipFile(fileobj=source) as packed, target.open("wb") as plain:
            while piece := packed.read(_PIECE):
                size += len(piece)
                if size > most:
                    raise Failed(LIMIT, f"{file.path}: more than {most >> 20} MB once unpacked")
                plain.write(piece)
    except (EOFError, OSError, zlib.error) as error:
        if isinstance(error, OSError) and not isinstance(error, gzip.BadGzipFile):
            raise
        raise Failed(SOURCE, f"{file.path}: its gzip is broken: {error}") from None
    return Found(file.path, os.open(target, os.O_RDONLY | os.O_CLOEXEC))


def _pieces(file: Found) -> Iterator[bytes]:
    at = 0
    while piece := os.pread(file.number, _PIECE, at):
        at += len(piece)
        yield piece
