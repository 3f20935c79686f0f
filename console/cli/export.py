"""Writing a streamed export: to a file that appears whole or not at all, or to standard output.

Rows are counted as they pass, and compared with what the server announced: a line that broke in the
middle must not look like a complete file.
"""

from __future__ import annotations

import codecs
import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO

from console.cli.output import on_terminal
from console.cli.text import plain_lines
from schema.errors import AgnesError

PARQUET_MARK = b"PAR1"


class IncompleteExport(AgnesError):
    """What arrived is not what the server announced."""

    title = "Incomplete export"


class Counter:
    """Counts the rows of a stream, piece by piece. Parquet's count stays None: it is announced."""

    def __init__(self, format: str) -> None:
        self.bytes = 0
        self._format = format
        self._ends = 0
        self._quoted = False
        self._last = b""
        self._start = b""

    def feed(self, chunk: bytes) -> None:
        if not chunk:
            return
        self.bytes += len(chunk)
        self._start = (self._start + chunk[:4])[:4]
        self._last = (self._last + chunk[-4:])[-4:]
        if self._format == "json":
            self._ends += chunk.count(b"\n")
        elif self._format == "csv":
            # Between two quotes a line break is text. A doubled quote opens and closes at once.
            for index, part in enumerate(chunk.split(b'"')):
                self._quoted ^= index > 0
                self._ends += 0 if self._quoted else part.count(b"\n")

    def rows(self) -> int | None:
        """Rows so far, without the heading of CSV."""
        if self._format == "parquet":
            return None
        lines = self._ends + (self.bytes > 0 and not self._last.endswith(b"\n"))
        return max(0, lines - 1) if self._format == "csv" else lines

    def check(self, announced: int | None) -> int | None:
        """The number of rows. Raises IncompleteExport where it is not the announced one."""
        rows = self.rows()
        if self._format == "parquet" and not self._start == self._last == PARQUET_MARK:
            raise IncompleteExport("what arrived is not a whole Parquet file", detail="try again")
        if rows is not None and announced is not None and rows != announced:
            raise IncompleteExport(
                f"the server announced {announced} rows and {rows} arrived", detail="try again"
            )
        return announced if rows is None else rows


def counted(
    chunks: Iterable[bytes], counter: Counter, report: Callable[[int], None]
) -> Iterator[bytes]:
    """`chunks` as they are, each counted and reported as rows so far, or bytes for Parquet."""
    for chunk in chunks:
        counter.feed(chunk)
        rows = counter.rows()
        report(counter.bytes if rows is None else rows)
        yield chunk


def to_file(path: Path, chunks: Iterable[bytes], check: Callable[[], int | None]) -> int | None:
    """Write `chunks` beside `path`, then `check` them, then give the file its name."""
    if path.exists() and not path.is_file():
        # A device or a pipe, such as /dev/null: renaming over it would replace it.
        with path.open("wb") as out:
            out.writelines(chunks)
        return check()
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:100]}-")
    try:
        with os.fdopen(handle, "wb") as out:
            out.writelines(chunks)
        rows = check()
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return rows


def to_stdout(chunks: Iterable[bytes]) -> None:
    """The exact bytes to a pipe; to a terminal the same text, with nothing in it that it obeys."""
    if on_terminal(sys.stdout):
        decoder = codecs.getincrementaldecoder("utf-8")(errors="backslashreplace")
        for chunk in chunks:
            sys.stdout.write(plain_lines(decoder.decode(chunk).replace("\r\n", "\n")))
        return
    sys.stdout.flush()
    raw: IO[bytes] = sys.stdout.buffer
    for chunk in chunks:
        raw.write(chunk)
    raw.flush()


def _umask() -> int:
    """The mask of new files. It can only be read by setting it; the command has one thread."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
