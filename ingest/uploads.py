"""Safe storage of uploaded transcripts: how their bytes get to their place whole, or not at all.

The order keeps a crash harmless: the temporary file is on disk, then its row and the audit row are
committed together, then the file is renamed. The row is the truth. What a crash leaves is either
bytes that a row waits for, which `recover` puts in their place, or bytes that no row knows, which
it deletes.

Nothing here parses a transcript or knows of HTTP. All of it blocks: call it off the event loop.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import secrets
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import ibis.expr.types as ir

from ingest.folders import entered
from ingest.gunzip import Gunzip
from ingest.session_files import FOLDER, Target, is_user_id, stored_name, unknown_parent
from schema.bind import Text
from schema.errors import AgnesError, Conflict, TooLarge, Unavailable
from schema.store import Store
from schema.table import rows_of
from schema.tables import SESSION_FILES
from schema.transaction import Row, Rows, Transaction

MB = 1 << 20
TEMPORARY = ".incoming-"  # no name that is taken begins with a dot
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_OLD = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
# Held from commit to rename, so that the last committed row is also the last file in its place.
_TURNS = tuple(threading.Lock() for _ in range(64))


@dataclass(frozen=True)
class Stored:
    """One accepted upload; `size` in bytes after decompression."""

    target: Target
    size: int
    sha256: str
    uploaded_at: datetime
    first_uploaded_at: datetime

    def row(self) -> Row:
        return {
            "session_file": self.target.session_file,
            "user_id": self.target.user_id,
            "parent": self.target.parent,
            "bytes": self.size,
            "sha256": self.sha256,
            "uploaded_at": self.uploaded_at,
            "indexed": False,
            "first_uploaded_at": self.first_uploaded_at,
        }


# Makes the audit row of an upload. The second argument is what it replaces, as {bytes, sha256,
# uploaded_at}, or None.
Note = Callable[[Stored, Row | None], Rows]


class Receiver:
    """The bytes of one upload on their way in: `write` them as they come, then `commit`, else
    `discard`. Each call may come from another thread; whatever fails leaves nothing behind.

    `folder` is the data folder, `limit` is in bytes after decompression. An empty file is a
    transcript in which nothing has happened yet: it is taken.
    """

    def __init__(self, folder: Path, user_id: str, filename: str, *, limit: int) -> None:
        self._name, packed = stored_name(filename)
        self._root = folder / FOLDER
        self._user_id = user_id
        self._limit = limit
        self._gunzip = Gunzip(filename) if packed else None
        self._temporary = TEMPORARY + secrets.token_hex(16)
        self._file: int | None = None
        self._size = 0
        self._sha256 = hashlib.sha256()
        self._over = False
        self._kept = False
        self._lock = threading.Lock()

    def write(self, chunk: bytes) -> None:
        """Take the next bytes, as they were sent. Raises TooLarge past the limit, BadRequest for
        broken gzip, Unavailable when the disk is full."""
        with self._lock, self._ending_on_failure(), _disk_named():
            self._append(self._gunzip.feed(chunk) if self._gunzip else (chunk,))

    def commit(self, store: Store, target: Target, note: Note) -> Stored:
        """Keep the file: on return its bytes, its row and its audit row are on disk. Raises as
        `write` does, and NotFound for a parent that was not uploaded."""
        with self._lock, self._ending_on_failure(), _disk_named():
            self._seal()
            if target.parent is not None:  # before folders are made for a session that is not there
                _require_parent(_rows(store, target.parent), target)
            with (
                entered(self._root, [self._user_id]) as mine,
                entered(self._root, target.folders, create=True) as place,
            ):
                os.fsync(mine)
                with held_still(target):
                    stored = self._record(store, target, note)
                    # Needs no fsync: until it is on disk, the next start does it again.
                    _put(mine, self._temporary, place, target.filename)
            self._end()
            return stored

    def discard(self) -> None:
        """Leave nothing behind; nothing happens after `commit`."""
        with self._lock:
            self._end()

    def _append(self, pieces: Iterable[bytes]) -> None:
        file = self._open()
        for piece in pieces:
            self._size += len(piece)
            if self._size > self._limit:
                raise TooLarge(
                    f"{self._name} is larger than {self._limit / MB:g} MB, after decompression",
                    detail="AGNES_UPLOAD_MAX_MB on the server sets the limit.",
                )
            self._sha256.update(piece)
            rest = memoryview(piece)
            while rest:
                rest = rest[os.write(file, rest) :]

    def _open(self) -> int:
        if self._over:
            raise Conflict(f"the upload of {self._name} has ended")
        if self._file is None:
            # In the user's folder even for a subagent, whose parent may be named after the file.
            with entered(self._root, [self._user_id], create=True) as mine:
                self._file = os.open(self._temporary, _NEW, 0o600, dir_fd=mine)
        return self._file

    def _seal(self) -> None:
        file = self._open()
        if self._gunzip:
            self._gunzip.close()
        os.fsync(file)

    def _record(self, store: Store, target: Target, note: Note) -> Stored:
        moment = now()
        taken = _taken(store)
        # Looking for an older row and deleting it are the most costly parts of a small upload, so
        # both are left out for a new name. Done here, not on the writer's thread: only uploads
        # write these columns, and having the turn holds off those of the same name.
        replaces = target.session_file in taken
        rows = _rows(store, target.session_file) if replaces else []
        first = rows[0]["first_uploaded_at"] if rows else moment
        stored = Stored(target, self._size, self._sha256.hexdigest(), moment, first)
        before = _before(rows)
        add = Transaction.put if replaces else Transaction.add

        def step(transaction: Transaction) -> None:
            if target.parent is not None:
                _require_parent(transaction.read(_row_of(Text(target.parent))), target)
            add(transaction, SESSION_FILES, stored.row())
            transaction.insert(note(stored, before))

        written = store.write(step)
        self._kept = True  # until it is known that no row waits for these bytes
        taken.add(target.session_file)
        try:
            written.result()
        except Exception:
            # A commit can reach the disk and fail after that, as in a checkpoint on a full disk.
            self._kept = _stands(store, stored)
            if not self._kept:
                raise
        return stored

    @contextlib.contextmanager
    def _ending_on_failure(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self._end()
            raise

    def _end(self) -> None:
        file, self._file, self._over = self._file, None, True
        if file is None:
            return
        os.close(file)
        if not self._kept:
            with (
                contextlib.suppress(FileNotFoundError),
                entered(self._root, [self._user_id]) as mine,
            ):
                os.unlink(self._temporary, dir_fd=mine)


@dataclass(frozen=True)
class Recovered:
    """What a crash had left: the session files now in their place, and how many were undone."""

    finished: tuple[str, ...] = ()
    undone: int = 0


def recover(store: Store, folder: Path) -> Recovered:
    """Finish or undo what a crash left between two steps of an upload. Run it before uploads are
    taken; it may itself be interrupted and run again. `folder` is the data folder."""
    root = folder / FOLDER
    if not root.is_dir():
        return Recovered()
    with os.scandir(root) as entries:
        users = sorted(
            entry.name
            for entry in entries
            if is_user_id(entry.name) and entry.is_dir(follow_symlinks=False)
        )
    parts = [_recover_one(store, root, user_id) for user_id in users]
    finished = tuple(name for part in parts for name in part.finished)
    return Recovered(finished, sum(part.undone for part in parts))


def _recover_one(store: Store, root: Path, user_id: str) -> Recovered:
    finished: list[str] = []
    undone = 0
    with entered(root, [user_id]) as mine:
        for name in _left_in(mine):
            waiting = _waiting(store, root, user_id, digest_of(mine, name))
            if waiting is None:
                os.unlink(name, dir_fd=mine)
                undone += 1
                continue
            with entered(root, waiting.folders, create=True) as place:
                _put(mine, name, place, waiting.filename)
                os.fsync(place)
            finished.append(waiting.session_file)
        if finished or undone:
            os.fsync(mine)
    return Recovered(tuple(finished), undone)


def _left_in(folder: int) -> list[str]:
    with os.scandir(folder) as entries:
        return sorted(
            entry.name
            for entry in entries
            if entry.name.startswith(TEMPORARY) and entry.is_file(follow_symlinks=False)
        )


def _waiting(store: Store, root: Path, user_id: str, sha256: str) -> Target | None:
    """The file of this user whose row promises these bytes, and whose place does not hold them.
    Where several do, any will: the bytes are the same."""
    files = rows_of(SESSION_FILES)
    mine = files.filter(files.user_id == user_id, files.sha256 == sha256)
    for row in store.read(mine).to_pylist():
        target = Target(row["session_file"], row["parent"])
        try:
            with entered(root, target.folders) as place:
                there = digest_of(place, target.filename)
        except FileNotFoundError:
            there = None
        if there != sha256:
            return target
    return None


def digest_of(folder: int, name: str) -> str:
    """sha256 of a file in an entered folder, as hex."""
    with os.fdopen(os.open(name, _OLD, dir_fd=folder), "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


# The names that have a row, by store: about 120 bytes each. Uploads alone add rows; a name that is
# here without one costs a look and nothing else.
_TAKEN: WeakKeyDictionary[Store, set[str]] = WeakKeyDictionary()


def _taken(store: Store) -> set[str]:
    names = _TAKEN.get(store)
    if names is None:
        files = rows_of(SESSION_FILES)
        found = store.read(files.select("session_file"))["session_file"].to_pylist()
        # Two first uploads at once: both read, one set is kept.
        names = _TAKEN.setdefault(store, set(found))
    return names


def held_still(target: Target) -> threading.Lock:
    """Held, no upload of this name stands between its row and its file."""
    return _TURNS[hash(target) % len(_TURNS)]


def row_of(store: Store, session_file: str) -> dict[str, Any] | None:
    """The row of an upload as it is now."""
    return next(iter(_rows(store, session_file)), None)


def _row_of(key: Text) -> ir.Table:
    files = rows_of(SESSION_FILES)
    return files.filter(files.session_file == key.text)


def _rows(store: Store, session_file: str) -> list[dict[str, Any]]:
    return store.ask(_row_of, Text(session_file)).to_pylist()  # type: ignore[no-any-return]


def _require_parent(rows: Sequence[Row], target: Target) -> None:
    if not rows:
        raise unknown_parent(target.parent or "")


def _before(rows: Sequence[Row]) -> Row | None:
    return {name: rows[0][name] for name in ("bytes", "sha256", "uploaded_at")} if rows else None


def _stands(store: Store, stored: Stored) -> bool:
    return _rows(store, stored.target.session_file) == [stored.row()]


def now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


def _put(source: int, name: str, place: int, filename: str) -> None:
    try:
        os.rename(name, filename, src_dir_fd=source, dst_dir_fd=place)
    except OSError as error:
        raise AgnesError(
            f"{filename} is kept, but could not be put in its place: {error.strerror}",
            detail="Mend that on the server; its next start puts the file in its place.",
        ) from error


@contextlib.contextmanager
def _disk_named() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise Unavailable(
            "nothing was stored: the disk that holds the transcripts is full",
            detail="Free space on the server's disk, then upload again.",
        ) from error
