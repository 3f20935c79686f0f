"""The text index: every piece of every conversation in one SQLite file, to be searched by words.

`search.sqlite` in the data folder. One process writes it (`ingest.indexer`), any may read it
meanwhile. It can be made anew from the transcripts at any time; nothing else is kept there. Who may
see what it finds is not known here.

A row's id is its session's number and its place in the session. A session's number follows from the
time of its upload, so that the newest ids are those of the newest sessions.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

FILE = "search.sqlite"
LONGEST = 20_000  # characters of one piece
MOST_HITS = 200_000  # pieces that one search looks at, the newest ones
_FORM = 1  # of the tables; another form is made anew
_SHIFT = 21  # bits of a place: two million pieces a session
PIECES = 1 << _SHIFT
_EPOCH = datetime(2020, 1, 1)
_OPEN, _CLOSE = "\x02", "\x03"  # around a hit; taken out of all that is indexed
_UNSAFE = str.maketrans(dict.fromkeys("\0\x02\x03", " "))
_WORDS = 18  # of an excerpt
_TABLES = f"""
    PRAGMA user_version = {_FORM};
    CREATE TABLE IF NOT EXISTS sessions(
        number INTEGER PRIMARY KEY, session_file TEXT NOT NULL UNIQUE, user_id TEXT NOT NULL,
        hash TEXT NOT NULL, pieces INTEGER NOT NULL
    );
    CREATE VIRTUAL TABLE IF NOT EXISTS pieces USING fts5(
        text, turn UNINDEXED, kind UNINDEXED, role UNINDEXED, ts UNINDEXED,
        tokenize = 'unicode61 remove_diacritics 2', prefix = '2 3', columnsize = 0
    );
"""

Part = tuple[str, bool]  # a text, and whether it is a hit


class Piece(NamedTuple):
    """One thing that was said or done; `ts` in microseconds since 1970, UTC."""

    turn: int
    kind: str
    role: str
    ts: int | None
    text: str


@dataclass(frozen=True)
class Session:
    """What is indexed of one session: the hash says which bytes."""

    session_file: str
    user_id: str
    hash: str


@dataclass(frozen=True)
class Hits:
    """How many pieces of one session match. `number`: the session's, in the index."""

    session_file: str
    number: int
    count: int


@dataclass(frozen=True)
class Line:
    """One piece that was found."""

    turn: int
    kind: str
    role: str
    ts: int | None
    parts: list[Part]


def _opened(path: Path | str, *, uri: bool = False) -> sqlite3.Connection:
    con = sqlite3.connect(path, uri=uri, isolation_level=None, check_same_thread=False, timeout=10)
    con.execute("PRAGMA cache_size = -8000")
    return con


# -- writing


class Writer:
    """The one writer. What is no index of ours, or of another form, is made anew."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        try:
            self._con = self._begin()
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):  # locked, a full disk: not its fault
                raise
            self._erase()
            self._con = self._begin()

    @contextlib.contextmanager
    def replacing(
        self, session: Session, uploaded_at: datetime
    ) -> Iterator[Callable[[Piece], None]]:
        """Replace what is known of a session by the pieces that are handed over within the block:
        all of it or, when the block fails, nothing. Memory stays flat."""
        with self._transaction():
            self._delete(session.session_file)
            number = self._free(uploaded_at)
            insert = "INSERT INTO pieces(rowid, text, turn, kind, role, ts) VALUES (?,?,?,?,?,?)"
            first, count = number << _SHIFT, 0

            def add(one: Piece) -> None:
                nonlocal count
                if count < PIECES:
                    row = (first + count, _clean(one.text), one.turn, one.kind, one.role, one.ts)
                    self._con.execute(insert, row)
                    count += 1

            yield add
            self._con.execute(
                "INSERT INTO sessions VALUES (?,?,?,?,?)",
                (number, session.session_file, session.user_id, session.hash, count),
            )

    def write(self, session: Session, uploaded_at: datetime, pieces: Iterable[Piece]) -> None:
        """`replacing` with pieces that are at hand."""
        with self.replacing(session, uploaded_at) as add:
            for one in pieces:
                add(one)

    def remove(self, session_files: Sequence[str]) -> None:
        """Forget these sessions, each on its own."""
        for session_file in session_files:
            with self._transaction():
                self._delete(session_file)

    def close(self) -> None:
        self._con.close()

    def erase(self) -> None:
        """Close it and take it away: it is made anew."""
        self.close()
        self._erase()

    def _delete(self, session_file: str) -> None:
        asked = "SELECT number FROM sessions WHERE session_file = ?"
        for (number,) in self._con.execute(asked, (session_file,)).fetchall():
            between = (number << _SHIFT, (number + 1) << _SHIFT)
            self._con.execute("DELETE FROM pieces WHERE rowid >= ? AND rowid < ?", between)
            self._con.execute("DELETE FROM sessions WHERE number = ?", (number,))

    def _free(self, uploaded_at: datetime) -> int:
        """A session's number: milliseconds since 2020, the next one that is free."""
        number = max(int((uploaded_at - _EPOCH).total_seconds() * 1000), 1)
        while self._con.execute("SELECT 1 FROM sessions WHERE number = ?", (number,)).fetchone():
            number += 1
        return number

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._con.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._con.execute("ROLLBACK")
            raise
        self._con.execute("COMMIT")

    def _begin(self) -> sqlite3.Connection:
        con = _opened(self._path)
        try:
            (form,) = con.execute("PRAGMA user_version").fetchone()
            if form not in (0, _FORM):
                raise sqlite3.DatabaseError("the text index is of another form")
            con.execute("PRAGMA journal_mode = WAL")
            con.execute("PRAGMA synchronous = NORMAL")  # what a crash takes is indexed again
            con.execute("PRAGMA journal_size_limit = 16000000")
            con.executescript(_TABLES)
            con.execute("SELECT count(*) FROM sessions").fetchone()
        except BaseException:
            con.close()
            raise
        return con

    def _erase(self) -> None:
        for ending in ("", "-wal", "-shm"):
            Path(f"{self._path}{ending}").unlink(missing_ok=True)


def _clean(text: str) -> str:
    """A text as it is stored: cut, and without what marks a hit."""
    return text[:LONGEST].translate(_UNSAFE)


# -- reading


class Reading:
    """A connection to read with, for one thread at a time. Raises FileNotFoundError when there is
    no index yet."""

    def __init__(self, folder: Path) -> None:
        path = folder / FILE
        if not path.exists():
            raise FileNotFoundError(path)
        self._con = _opened(f"{path.absolute().as_uri()}?mode=ro", uri=True)

    def __enter__(self) -> Reading:
        return self

    def __exit__(self, *_: object) -> None:
        self._con.close()

    def sessions(self) -> dict[str, str]:
        """The hash of each session that is indexed."""
        return dict(self._con.execute("SELECT session_file, hash FROM sessions"))

    def find(self, match: str) -> tuple[list[Hits], bool]:
        """The sessions with pieces that match, the newest first, and whether there were more hits
        than one search looks at. `match` is made by `text_query`.

        Counted where they are: half of all pieces may hold a word, and to hand out their ids would
        cost ten times as much as finding them.
        """
        asked = (
            "WITH hits AS (SELECT rowid >> ? AS number, count(*) AS hits FROM"
            " (SELECT rowid FROM pieces WHERE pieces MATCH ? ORDER BY rowid DESC LIMIT ?)"
            " GROUP BY 1)"
            " SELECT session_file, number, hits FROM hits JOIN sessions USING (number)"
            " ORDER BY number DESC"
        )
        rows = self._con.execute(asked, (_SHIFT, match, MOST_HITS + 1))
        found = [Hits(*row) for row in rows]
        return found, sum(one.count for one in found) > MOST_HITS

    def first(self, match: str, hits: Sequence[Hits], each: int) -> dict[int, list[int]]:
        """The ids of the first `each` pieces that match, by the number of their session."""
        numbers = [one.number for one in hits]
        if not numbers:
            return {}
        bounds = (min(numbers) << _SHIFT, (max(numbers) + 1) << _SHIFT)
        asked = (
            "SELECT id FROM (SELECT rowid AS id,"
            " row_number() OVER (PARTITION BY rowid >> ? ORDER BY rowid) AS place FROM pieces"
            " WHERE pieces MATCH ? AND rowid >= ? AND rowid < ?"
            " AND rowid >> ? IN (SELECT value FROM json_each(?))) WHERE place <= ? ORDER BY id"
        )
        given = (_SHIFT, match, *bounds, _SHIFT, json.dumps(numbers), each)
        found: dict[int, list[int]] = {}
        for (id,) in self._con.execute(asked, given):
            found.setdefault(id >> _SHIFT, []).append(id)
        return found

    def within(self, match: str, session_file: str, limit: int) -> list[tuple[int, int]] | None:
        """Id and turn of the pieces of one session that match, in order; None when the session is
        not indexed."""
        asked = "SELECT number FROM sessions WHERE session_file = ?"
        row = self._con.execute(asked, (session_file,)).fetchone()
        if row is None:
            return None
        bounds = (match, row[0] << _SHIFT, (row[0] + 1) << _SHIFT, limit)
        asked = (
            "SELECT rowid, turn FROM pieces WHERE pieces MATCH ? AND rowid >= ? AND rowid < ?"
            " ORDER BY rowid LIMIT ?"
        )
        return self._con.execute(asked, bounds).fetchall()

    def lines(self, match: str, ids: Sequence[int]) -> dict[int, Line]:
        """The pieces with these ids, as excerpts around what matches; without those that have been
        replaced since they were found."""
        if not ids:
            return {}
        # In one go: what the beginning of a word stands for is looked up for each query anew. The
        # sign keeps the ids out of the search, which would be made once for each of them.
        asked = (
            "SELECT rowid, turn, kind, role, ts, snippet(pieces, 0, ?, ?, '…', ?) FROM pieces"
            " WHERE pieces MATCH ? AND rowid >= ? AND rowid <= ?"
            " AND +rowid IN (SELECT value FROM json_each(?))"
        )
        given = (_OPEN, _CLOSE, _WORDS, match, min(ids), max(ids), json.dumps(ids))
        return {
            id: Line(turn, kind, role, ts, parts_of(excerpt))
            for id, turn, kind, role, ts, excerpt in self._con.execute(asked, given)
        }


def parts_of(excerpt: str) -> list[Part]:
    """An excerpt with marks -> its texts, each with whether it is a hit."""
    parts: list[Part] = []
    for place, piece in enumerate(excerpt.split(_OPEN)):
        hit, mark, rest = piece.partition(_CLOSE)
        if place and mark:
            parts += [(hit, True), (rest, False)]
        else:
            parts.append((piece, False))
    return [part for part in parts if part[0]]
