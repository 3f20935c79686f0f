"""The form of a backup: an uncompressed tar whose last two members say what the others must be.

    agnes.duckdb        all tables, as of one moment
    cookie.key, sessions/…, jobs/…, agnes.synced/…      files, as in the data folder
    manifest.json       what it is, rows by table, bytes and SHA-256 of each file above
    manifest.sha256     of the line before

Plain, so that `tar` reads it where nothing else is at hand. A file that was cut off has no
manifest, and one whose bytes were changed does not fit it: both are refused by name.
"""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Any, BinaryIO

import orjson

from schema.errors import BadRequest, shorten

FORM = 1
DATABASE, MANIFEST, SEAL = "agnes.duckdb", "manifest.json", "manifest.sha256"
_BLOCK = tarfile.BLOCKSIZE
_PIECE = 1 << 20


class DamagedBackup(BadRequest):
    """A backup that cannot be trusted; the message names the file in it."""

    title = "Damaged backup"

    def __init__(self, message: str) -> None:
        super().__init__(message, detail="Nothing was restored. Take another backup.")


@dataclass
class Writer:
    """Adds files one after another to `file`, open for writing, and remembers what they were."""

    file: BinaryIO
    mtime: float
    files: dict[str, dict[str, Any]] = field(default_factory=dict)

    def add(self, name: str, source: IO[bytes], size: int, *, must_be: str | None = None) -> bool:
        """Append `size` bytes of `source` under `name`. With `must_be`, a SHA-256, other bytes are
        taken back, and False is answered."""
        begin = self.file.tell()
        info = tarfile.TarInfo(name)
        info.size, info.mode, info.mtime = size, 0o600, int(self.mtime)
        self.file.write(info.tobuf(tarfile.PAX_FORMAT))
        digest, left = hashlib.sha256(), size
        while left and (piece := source.read(min(left, _PIECE))):
            digest.update(piece)
            self.file.write(piece)
            left -= len(piece)
        if left or (must_be is not None and digest.hexdigest() != must_be):
            self.file.seek(begin)
            self.file.truncate()
            return False
        self.file.write(b"\0" * (-size % _BLOCK))
        self.files[name] = {"bytes": size, "sha256": digest.hexdigest()}
        return True

    def close(self, told: dict[str, Any]) -> dict[str, Any]:
        """End it with the manifest, which is answered, and bring it to the disk."""
        manifest = {"form": FORM, **told, "files": dict(self.files)}
        text = orjson.dumps(manifest, option=orjson.OPT_INDENT_2)
        seal = hashlib.sha256(text).hexdigest().encode() + b"\n"
        for name, content in ((MANIFEST, text), (SEAL, seal)):
            self.add(name, io.BytesIO(content), len(content))
        self.file.write(b"\0" * 2 * _BLOCK)
        self.file.flush()
        os.fsync(self.file.fileno())
        return manifest


def manifest_of(path: Path) -> dict[str, Any]:
    """What a backup is, once every byte of it was looked at. Raises DamagedBackup."""
    seen: dict[str, dict[str, Any]] = {}
    ends: dict[str, bytes] = {}
    for name, pieces in _members(path):
        kept = bytearray() if name in (MANIFEST, SEAL) else None
        digest, count = hashlib.sha256(), 0
        for piece in pieces:
            digest.update(piece)
            count += len(piece)
            if kept is not None:
                kept += piece
        if kept is not None:
            ends[name] = bytes(kept)
        else:
            seen[name] = {"bytes": count, "sha256": digest.hexdigest()}
    return _agreed(path, seen, ends)


def _agreed(path: Path, seen: dict[str, dict[str, Any]], ends: dict[str, bytes]) -> dict[str, Any]:
    if MANIFEST not in ends or SEAL not in ends:
        raise DamagedBackup(f"{path}: {MANIFEST} is missing: the file was cut off, or is no backup")
    if hashlib.sha256(ends[MANIFEST]).hexdigest().encode() != ends[SEAL].strip():
        raise DamagedBackup(f"{path}: {MANIFEST} was changed")
    manifest: dict[str, Any] = orjson.loads(ends[MANIFEST])
    if manifest.get("form") != FORM:
        raise DamagedBackup(f"{path}: of form {manifest.get('form')}; this release knows {FORM}")
    told = manifest["files"]
    for name in [*told, *seen]:
        if name not in seen:
            raise DamagedBackup(f"{path}: {shorten(name)} is missing")
        if name not in told:
            raise DamagedBackup(f"{path}: {shorten(name)} is not in its manifest")
        if seen[name] != told[name]:
            raise DamagedBackup(f"{path}: {shorten(name)} was changed")
    return manifest


def unpack(path: Path, manifest: dict[str, Any], target: Path) -> None:
    """Write every file of a backup below `target`, an empty folder; each is held against the
    manifest again, as its bytes pass. Raises DamagedBackup."""
    for name, pieces in _members(path):
        if name in (MANIFEST, SEAL):
            continue
        place = target / _inside(path, name)
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        digest = hashlib.sha256()
        with open(place, "xb", opener=_private) as file:
            for piece in pieces:
                digest.update(piece)
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        if manifest["files"].get(name, {}).get("sha256") != digest.hexdigest():
            raise DamagedBackup(f"{path}: {shorten(name)} was changed")


def _members(path: Path) -> Iterator[tuple[str, Iterator[bytes]]]:
    """Each member: its name and its bytes."""
    try:
        with tarfile.open(path, "r:") as tar:
            for info in tar:
                file = tar.extractfile(info) if info.isreg() else None
                if file is None:
                    raise DamagedBackup(f"{path}: {shorten(info.name)} is no plain file")
                yield info.name, _pieces(path, info.name, file)
    except (tarfile.TarError, EOFError) as error:
        raise DamagedBackup(f"{path} is cut off, or is no backup: {error}") from None


def _pieces(path: Path, name: str, file: IO[bytes]) -> Iterator[bytes]:
    try:
        while piece := file.read(_PIECE):
            yield piece
    except tarfile.ReadError:
        raise DamagedBackup(f"{path}: {shorten(name)} is cut off") from None


def _inside(path: Path, name: str) -> PurePosixPath:
    """`name` as a way that leads nowhere else."""
    way = PurePosixPath(name)
    if way.is_absolute() or ".." in way.parts or not way.parts or "\\" in name:
        raise DamagedBackup(f"{path}: {shorten(name)} leads out of the data folder")
    return way


def _private(name: str, flags: int) -> int:
    return os.open(name, flags, 0o600)
