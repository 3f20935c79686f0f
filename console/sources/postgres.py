"""One reading from PostgreSQL: a transaction that may change nothing, with a limit of time on both
sides of the line."""

from __future__ import annotations

import contextlib
import io
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import structlog
from psycopg import sql

from console.sources.errors import SourceDown, SourceFailed
from console.tables.connections import Connection

log = structlog.get_logger(__name__)

_CONNECT = 5  # seconds
_GRACE = 2.0  # seconds after its time until a line that hangs is cut
_LOCKS = 5  # seconds that it waits for a lock of others
_DENIED = (
    "080",
    "28",
    "3D",
    "53",
    "57P",
)  # no line, not let in, no such database, full, going down
_LATE = ("57014", "55P03")  # its time was over; a lock was not given
_OPTIONS: dict[str, Any] = {
    "connect_timeout": _CONNECT,
    "client_encoding": "UTF8",
    "application_name": "agnes",
    "keepalives": 1,
    "keepalives_idle": 5,
    "keepalives_interval": 5,
    "keepalives_count": 2,
}
_SET = sql.SQL(
    "SELECT set_config('statement_timeout', {}, true), set_config('lock_timeout', {}, true),"
    " set_config('TimeZone', 'UTC', true), set_config('standard_conforming_strings', 'on', true),"
    " set_config('extra_float_digits', '1', true), set_config('search_path', {}, true)"
)


class Reading:
    """A transaction that only reads. Its errors are those of `console.sources.errors`."""

    def __init__(self, line: psycopg.Connection[Any]) -> None:
        self._line = line

    def described(self, relation: sql.Composed) -> list[psycopg.Column]:
        """The columns of a SELECT. A text that is more than one, or changes something, is refused
        by the database itself: only one whole query can be a cursor, and the protocol for one
        statement is asked for. So whoever puts it into brackets knows what stands there."""
        with self._line.cursor() as cursor:
            cursor.execute(
                sql.SQL("DECLARE agnes NO SCROLL CURSOR FOR {}").format(relation), binary=True
            )
            cursor.execute("FETCH 0 FROM agnes", binary=True)
            found = list(cursor.description or ())
            cursor.execute("CLOSE agnes")
        return found

    def rows(self, text: sql.Composed | str, *values: object) -> list[tuple[Any, ...]]:
        with self._line.cursor() as cursor:
            wanted = text.encode() if isinstance(text, str) else text
            return cursor.execute(wanted, values or None).fetchall()

    @contextmanager
    def copied(self, query: sql.Composed) -> Iterator[io.BufferedReader]:
        """The rows of a query as CSV, read while they come."""
        statement = sql.SQL("COPY (\n{}\n) TO STDOUT (FORMAT csv)").format(query)
        with self._line.cursor() as cursor, cursor.copy(statement) as copy:
            try:
                yield io.BufferedReader(_Copied(copy), 1 << 20)
            except BaseException:  # also a reader that stops: else all the rest is waited for
                self._line.close()
                raise


@contextmanager
def reading(connection: Connection, *, seconds: float) -> Iterator[Reading]:
    """Raises SourceDown, SourceFailed; also for what the body raises because of the database."""
    try:
        line = psycopg.connect(connection.url, **_OPTIONS, prepare_threshold=None)
    except (psycopg.Error, UnicodeError) as error:
        raise _told(connection, error, down=True) from None
    late = threading.Event()
    watch = threading.Timer(seconds + _GRACE, _cut, (line, late))
    watch.daemon = True
    watch.start()
    try:
        line.read_only = True
        _limited(line, seconds)
        yield Reading(line)
    except (psycopg.Error, UnicodeError) as error:
        if late.is_set():
            raise _too_late(connection) from None
        raise _told(connection, error) from None
    finally:
        watch.cancel()
        line.close()  # whatever it is doing: nothing there waits to be kept


def _limited(line: psycopg.Connection[Any], seconds: float) -> None:
    limit = sql.Literal(str(max(1, round(seconds * 1000))))
    path = sql.SQL("current_setting('search_path')")
    line.execute(_SET.format(limit, sql.Literal(str(_LOCKS * 1000)), path))


def _cut(line: psycopg.Connection[Any], late: threading.Event) -> None:
    """Wakes who waits for a database that says nothing any more."""
    late.set()
    with contextlib.suppress(OSError, psycopg.Error):
        end = socket.socket(fileno=os.dup(line.fileno()))
        try:
            end.shutdown(socket.SHUT_RDWR)
        finally:
            end.close()


def _too_late(connection: Connection) -> SourceFailed:
    return SourceFailed(connection, "time", what="took too long; ask it for less")


def _told(
    connection: Connection, error: Exception, *, down: bool = False
) -> SourceDown | SourceFailed:
    state = getattr(error, "sqlstate", None) or ""
    if state in _LATE:
        return _too_late(connection)
    lost = isinstance(error, psycopg.OperationalError) and not state
    kind = SourceDown if down or lost or state.startswith(_DENIED) else SourceFailed
    found = kind(connection, str(error))
    log.warning("source failed", source=connection.name, reason=found.reason)
    return found


class _Copied(io.RawIOBase):
    """What a COPY sends, as a file."""

    def __init__(self, copy: psycopg.Copy) -> None:
        super().__init__()
        self._copy = copy
        self._left = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        """As many rows as fit: each comes as a piece of its own."""
        done = 0
        while done < len(buffer):
            if not self._left:
                self._left = memoryview(self._copy.read())
                if not self._left:
                    break
            count = min(len(buffer) - done, len(self._left))
            buffer[done : done + count] = self._left[:count]
            self._left = self._left[count:]
            done += count
        return done
