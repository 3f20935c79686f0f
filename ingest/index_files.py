"""Where the turn index of a session lies, and of which bytes it is: `index/<session_file>.idx` in
the data folder, its hash in the first line. One process writes them, each as a whole."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from ingest.transcript.index import BadIndex, Index

FOLDER = "index"
_HEAD = 64 + 1  # the hash as hex, and a line's end


def path_of(folder: Path, session_file: str) -> Path:
    """`folder` is the data folder; `session_file` is a key that a row has, not what somebody
    typed."""
    return folder / FOLDER / f"{session_file}.idx"


def write(folder: Path, session_file: str, file_hash: str, index: Index) -> None:
    """Replaces the index of a session, all of it or nothing."""
    path = path_of(folder, session_file)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    new = path.with_suffix(".new")
    new.write_bytes(file_hash.encode().ljust(_HEAD - 1) + b"\n" + index.to_bytes())
    os.replace(new, path)


def read(folder: Path, session_file: str, file_hash: str) -> tuple[Index, int] | None:
    """The index and its size in bytes; None when there is none, or none of these bytes."""
    try:
        data = path_of(folder, session_file).read_bytes()
    except OSError:
        return None
    if data[:_HEAD].strip() != file_hash.encode():
        return None
    with contextlib.suppress(BadIndex, ValueError, KeyError):
        return Index.from_bytes(data[_HEAD:]), len(data)
    return None


def has(folder: Path, session_file: str, file_hash: str) -> bool:
    """Whether an index of these bytes is there, as far as its head says."""
    try:
        with path_of(folder, session_file).open("rb") as file:
            return file.read(_HEAD).strip() == file_hash.encode()
    except OSError:
        return False


def remove(folder: Path, session_file: str) -> None:
    path_of(folder, session_file).unlink(missing_ok=True)
