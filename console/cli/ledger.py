"""What was sent to which server: so that an unchanged transcript costs neither a request nor a look
inside.

It is written file by file, so that a push that breaks off has lost nothing. It holds names, sizes
and hashes, never a line of a transcript.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from schema.errors import AgnesError

TABLE = """CREATE TABLE IF NOT EXISTS pushed (
    server TEXT, path TEXT, session TEXT, size INTEGER, mtime INTEGER, sha256 TEXT,
    session_file TEXT, error TEXT, at TEXT, PRIMARY KEY (server, path))"""


def data_folder() -> Path:
    """Where the terminal keeps what it knows of this machine; made for its owner only."""
    named = os.environ.get("AGNES_CONFIG_DIR")
    if named:
        folder = Path(named).expanduser()
    else:
        from platformdirs import user_data_path

        folder = user_data_path("agnes") / "push"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


@dataclass(frozen=True, slots=True)
class Reading:
    """A file as it was read: `size` bytes of it, last changed at `mtime` (ns since 1970)."""

    size: int
    mtime: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Entry:
    """What became of a file. `error` is the server's refusal of it as it was read, empty if it was
    taken; `session_file` the copy that the server has, empty for none."""

    server: str
    session_file: str
    error: str
    at: str
    reading: Reading

    def unchanged(self, path: Path) -> bool:
        """Whether `path` is still what was read; it is opened only where its times do not tell."""
        now, then = path.stat(), self.reading
        if now.st_size != then.size:
            return False
        return now.st_mtime_ns == then.mtime or _sha256(path) == then.sha256


class Ledger:
    """The entries of one server."""

    def __init__(self, database: sqlite3.Connection, server: str) -> None:
        self._database = database
        self._server = server

    def of(self, path: Path) -> Entry | None:
        where = "server = ? AND path = ?"
        return next(_entries(self._database, where, self._server, _key(path)), None)

    def write(
        self, path: Path, session: str, reading: Reading, *, session_file: str = "", error: str = ""
    ) -> None:
        """Keep what became of `path`, on disk when this returns."""
        at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        row = (self._server, _key(path), session, reading.size, reading.mtime, reading.sha256)
        with self._database:
            self._database.execute(
                "INSERT OR REPLACE INTO pushed VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (*row, session_file, error, at),
            )


@contextmanager
def ledger(server: str) -> Iterator[Ledger]:
    """The ledger for `server`, for the time of the block. Raises AgnesError for a broken one."""
    with _opened() as database:
        yield Ledger(database, server)


def sent(session: str) -> list[Entry]:
    """Where a session, or one of its subagents, was sent to."""
    with _opened() as database:
        return list(_entries(database, "session = ? AND session_file <> ''", session))


@contextmanager
def _opened() -> Iterator[sqlite3.Connection]:
    file = data_folder() / "pushed.sqlite3"
    database = sqlite3.connect(file)
    try:
        database.execute(TABLE)
        yield database
    except sqlite3.DatabaseError as error:
        raise AgnesError(
            f"cannot use {file}: {error}",
            detail="if it is broken, remove it: then everything is sent once more",
        ) from error
    finally:
        database.close()


def _entries(database: sqlite3.Connection, where: str, *values: str) -> Iterator[Entry]:
    columns = "server, session_file, error, at, size, mtime, sha256"
    for row in database.execute(f"SELECT {columns} FROM pushed WHERE {where}", values):  # noqa: S608 (one of two fixed texts)
        server, session_file, error, at, *read = row
        yield Entry(server, session_file, error, at, Reading(*read))


def _key(path: Path) -> str:
    # A name need not be valid text.
    return os.fsencode(os.path.realpath(path)).decode("utf-8", "backslashreplace")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
