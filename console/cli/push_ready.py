"""A transcript made ready to leave: read once, secrets cut out, packed. The file stays as it is."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import re
import tempfile
import zlib
from collections.abc import Iterator, Set
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

from console.cli.ledger import Reading
from ingest.redact import redact_bytes
from schema.errors import AgnesError, BadRequest

LEVEL = 6  # of compression; higher ones cost twice the time for 3 %


class IsPrivate(AgnesError):
    """The file holds records of a session that is marked private."""

    title = "Private"


@dataclass(frozen=True)
class Ready:
    """What goes out, packed, and what it was made of. `redacted`: how many secrets by rule."""

    packed: BinaryIO
    reading: Reading
    redacted: dict[str, int]


@contextmanager
def ready(path: Path, *, private: Set[str] = frozenset()) -> Iterator[Ready]:
    """`path` as it is now; of a file that grows, what it had at the start.

    Raises OSError if it cannot be read, BadRequest if it is no whole gzip file, IsPrivate if it
    holds records of one of the sessions `private`.
    """
    redacted: dict[str, int] = {}
    with path.open("rb") as file, tempfile.TemporaryFile() as packed:
        source = _Source(file)
        with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=LEVEL, mtime=0) as out:
            for line in _checked(_lines(source, path), private):
                out.write(redact_bytes(line, redacted))
        packed.seek(0)
        yield Ready(cast(BinaryIO, packed), source.reading(), redacted)


class _Source(io.RawIOBase):
    """The first bytes of `file`, as many as it has now, and their hash."""

    def __init__(self, file: BinaryIO) -> None:
        state = os.fstat(file.fileno())
        self._file = file
        self._size = self._left = state.st_size
        self._mtime = state.st_mtime_ns
        self._sha256 = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._file.read(min(len(buffer), self._left))
        buffer[: len(data)] = data
        self._left -= len(data)
        self._sha256.update(data)
        return len(data)

    def reading(self) -> Reading:
        return Reading(self._size - self._left, self._mtime, self._sha256.hexdigest())


def _lines(source: _Source, path: Path) -> Iterator[bytes]:
    with io.BufferedReader(source, 1 << 18) as plain:
        if path.suffix != ".gz":
            yield from plain
            return
        try:
            yield from gzip.GzipFile(fileobj=plain)
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise BadRequest(f"not a whole gzip file: {error}") from error


def _checked(lines: Iterator[bytes], private: Set[str]) -> Iterator[bytes]:
    """`lines`, unless one is a record of a private session: then IsPrivate."""
    names = b"|".join(re.escape(name).encode() for name in private)
    # A quotation of such a record inside a text has its quotes escaped.
    record = re.compile(rb'"sessionId":[ ]?"(?:%b)"' % names)
    for line in lines:
        if private and record.search(line):
            raise IsPrivate("it holds records of a private session")
        yield line
