"""The bytes of transcripts on their way out: one file in pieces, or all of a person's as a zip.

No link is ever followed, and memory does not grow with a file.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import stat
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from ingest.folders import entered
from ingest.session_files import FOLDER, Target
from schema.errors import AgnesError, NotFound

PIECE = 256 << 10  # bytes
_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK  # a pipe must not hold us
_SAFE = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*\Z")
_FIRST = datetime(1980, 1, 1)  # the earliest time that a zip knows


class File:
    """One transcript on the disk, opened when it is first read, and closed with the block. Has what
    `ingest.transcript` asks of a file. Raises NotFound where there is no regular file."""

    def __init__(self, folder: Path, target: Target) -> None:
        self.name = target.filename
        self._target = target
        self._root = folder / FOLDER
        self._file: BinaryIO | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def stat(self) -> os.stat_result:
        """Of the file as it is, without opening it."""
        with self._named(), entered(self._root, self._target.folders) as place:
            found = os.stat(self._target.filename, dir_fd=place, follow_symlinks=False)
        return self._regular(found)

    def seek(self, offset: int) -> int:
        return self._opened().seek(offset)

    def readline(self, size: int = -1) -> bytes:
        return self._opened().readline(size)

    def read(self, size: int = -1) -> bytes:
        return self._opened().read(size)

    def size(self) -> int:
        """Of the very bytes that will be read."""
        return self._regular(os.fstat(self._opened().fileno())).st_size

    def tag(self) -> str:
        """Changes when the file is replaced."""
        found = os.fstat(self._opened().fileno())
        return f'"{found.st_ino:x}-{found.st_size:x}-{found.st_mtime_ns:x}"'

    def pieces(self) -> Iterator[bytes]:
        while piece := self.read(PIECE):
            yield piece

    def _opened(self) -> BinaryIO:
        if self._file is None:
            with self._named(), entered(self._root, self._target.folders) as place:
                number = os.open(self._target.filename, _OPEN, dir_fd=place)
            try:
                self._regular(os.fstat(number))
            except NotFound:
                os.close(number)
                raise
            self._file = os.fdopen(number, "rb")
        return self._file

    def _regular(self, found: os.stat_result) -> os.stat_result:
        if not stat.S_ISREG(found.st_mode):
            raise self._gone()
        return found

    @contextlib.contextmanager
    def _named(self) -> Iterator[None]:
        try:
            yield
        except (OSError, AgnesError):
            raise self._gone() from None

    def _gone(self) -> NotFound:
        return NotFound(
            f"the file of {self._target.session_file} is no longer on the server's disk",
            detail="What was found in it is kept. Upload it again to read it.",
        )


@dataclass(frozen=True)
class Packed:
    """One file of a zip: its name there, its size in bytes, when it came."""

    file: File
    name: str
    size: int
    at: datetime


def packed(
    folder: Path, rows: Iterable[tuple[Target, datetime]], *, owner: str
) -> tuple[list[Packed], int]:
    """The files that can be taken, and how many cannot: links, names that are none, and those that
    are gone."""
    found, missing = [], 0
    for target, at in rows:
        parts = target.session_file.split("/")
        safe = parts[0] == owner and all(map(_SAFE.match, parts)) and len(parts) > 1
        try:
            if not safe:
                raise NotFound(target.session_file)
            file = File(folder, target)
            found.append(Packed(file, "/".join(parts[1:]), file.stat().st_size, max(at, _FIRST)))
        except NotFound:
            missing += 1
    return found, missing


def zipped(files: Iterable[Packed]) -> Iterator[bytes]:
    """A zip of these, piece by piece. One that went since it was looked at is left out."""
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for one in files:
            entry = zipfile.ZipInfo(one.name, one.at.timetuple()[:6])
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o600 << 16
            with one.file as file, contextlib.suppress(NotFound):
                entry.file_size = file.size()
                with archive.open(entry, "w") as inside:
                    for piece in file.pieces():
                        inside.write(piece)
                        if sink.waiting:
                            yield sink.drain()
    yield sink.drain()


class _Sink(io.RawIOBase):
    """A stream that cannot go back, of which one takes what has come so far."""

    def __init__(self) -> None:
        super().__init__()
        self._pieces: list[bytes] = []

    @property
    def waiting(self) -> bool:
        return bool(self._pieces)

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        piece = bytes(data)  # type: ignore[call-overload]
        self._pieces.append(piece)
        return len(piece)

    def drain(self) -> bytes:
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)
