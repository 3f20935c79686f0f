"""The files of the made-up sessions, where uploads are kept, and their rows."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from ingest.folders import entered
from ingest.seed.columns import filled, taken
from ingest.seed.conversations import Sessions
from ingest.seed.draws import Ints, as_times
from ingest.seed.ids import digests
from ingest.seed.people import Crowd
from ingest.seed.transcripts import Transcripts
from ingest.session_files import FOLDER
from schema.tables import SESSION_FILES
from schema.transaction import Rows

_LINE = 700  # bytes of a record, about, where no file is written
_TOGETHER = 500  # files whose rows are written at once
_NEW = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True)
class Stored:
    """A kept session's transcript: its key, its size and, where it was written, its hash."""

    session_file: str
    bytes: int
    sha256: str


def write_files(
    seed: int,
    root: Path,
    sessions: Sessions,
    crowd: Crowd,
    most: int | None,
    write: Callable[[Rows], None],
) -> list[Stored]:
    """Write the transcripts of the newest `most` kept sessions (all of them for None), with their
    rows. All kept sessions, in the order of their upload; those without a file have the size it
    would have, about.
    """
    order = sessions.by_upload
    without = 0 if most is None else max(len(order) - most, 0)
    hashes = digests(seed, "files", order).to_pylist()
    stored = [
        Stored(sessions.files[at], int(size), hash)
        for at, size, hash in zip(
            order.tolist(), sessions.lines[order] * _LINE, hashes, strict=True
        )
    ]
    transcripts = Transcripts(seed, sessions)
    for start in range(without, len(order), _TOGETHER):
        some = order[start : start + _TOGETHER]
        fresh = [_write(root, sessions.files[at], transcripts.text(at)) for at in some.tolist()]
        stored[start : start + _TOGETHER] = fresh
        write(Rows(SESSION_FILES, _files(sessions, crowd, some, fresh)))
    return stored


def _write(root: Path, session_file: str, text: bytes) -> Stored:
    owner, _, name = session_file.partition("/")
    with (
        entered(root / FOLDER, [owner], create=True) as folder,
        open(os.open(name, _NEW, 0o600, dir_fd=folder), "wb") as file,
    ):
        file.write(text)
    return Stored(session_file, len(text), hashlib.sha256(text).hexdigest())


def _files(sessions: Sessions, crowd: Crowd, at: Ints, stored: Sequence[Stored]) -> pa.Table:
    return filled(
        SESSION_FILES,
        session_file=[one.session_file for one in stored],
        user_id=taken(crowd.ids, sessions.owner[at]),
        bytes=[one.bytes for one in stored],
        sha256=[one.sha256 for one in stored],
        uploaded_at=as_times(sessions.uploaded[at]),
        indexed=np.zeros(len(at), np.bool_),
        first_uploaded_at=as_times(sessions.uploaded[at]),
    )
