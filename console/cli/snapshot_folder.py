"""Snapshots on this machine: a Parquet file each, and beside it a manifest that says what it is.

Each of the two appears whole or not at all, the manifest last; it names the bytes and the SHA-256
of the file it tells of. So a file that a crash left without its manifest, or that somebody has
changed, is known.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from console.cli.exits import WrongUse
from console.cli.export import to_file
from schema.errors import AgnesError, NotFound

FINE, CHANGED, GONE = "ok", "changed", "no file"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_FIELDS = ("name", "server", "table", "rows", "bytes", "sha256", "taken_at")
_PIECE = 1 << 20


class BadManifest(AgnesError):
    """A manifest that is there and cannot be read."""

    title = "Unreadable manifest"


@dataclass(frozen=True)
class Snapshots:
    """Those of one folder."""

    folder: Path

    def file(self, name: str) -> Path:
        return self.folder / f"{name}.parquet"

    def manifest(self, name: str) -> Path:
        return self.folder / f"{name}.json"

    def has(self, name: str) -> bool:
        return self.file(name).exists() or self.manifest(name).exists()

    def names(self) -> list[str]:
        found = self.folder.glob("*.json")
        return sorted(path.stem for path in found if self.file(path.stem).exists() or _is(path))

    def read(self, name: str) -> dict[str, Any]:
        """What its manifest says. Raises NotFound, BadManifest."""
        path = self.manifest(checked(name))
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise NotFound(
                f"no snapshot {name} in {self.folder}", detail="see `agnes snapshot list`"
            ) from None
        except (OSError, ValueError) as error:
            raise _unreadable(path, error) from error
        if not isinstance(found, dict) or any(field not in found for field in _FIELDS):
            raise _unreadable(path, "it is not a manifest of a snapshot")
        return found

    def every(self) -> Iterator[dict[str, Any]]:
        """What each manifest says, with how its file stands; one that cannot be read with why."""
        for name in self.names():
            try:
                row = self.read(name)
            except BadManifest as error:
                row = {"name": name, "status": error.message}
            else:
                row = {**row, "name": name, "status": self.status(row, look=False)}
            yield row

    def status(self, row: dict[str, Any], *, look: bool) -> str:
        """Whether its file is the one of the manifest; `look` inside, not at its size alone."""
        file = self.file(row["name"])
        if not file.is_file():
            return GONE
        same = file.stat().st_size == row["bytes"]
        return FINE if same and (not look or sha256(file) == row["sha256"]) else CHANGED

    def write(self, row: dict[str, Any]) -> None:
        text = json.dumps(row, ensure_ascii=False, indent=2) + "\n"
        to_file(self.manifest(row["name"]), [text.encode()], lambda: None)

    def delete(self, name: str) -> None:
        """Raises NotFound."""
        if not self.has(checked(name)):
            raise NotFound(
                f"no snapshot {name} in {self.folder}", detail="see `agnes snapshot list`"
            )
        for path in (self.manifest(name), self.file(name)):
            path.unlink(missing_ok=True)


def checked(name: str) -> str:
    """A name that can be one of a file. Raises WrongUse."""
    if not _NAME.fullmatch(name):
        raise WrongUse(
            f"{name} is no name of a snapshot",
            detail="letters, digits, `.`, `_` and `-`, at most 100, a letter or digit first",
        )
    return name


def sha256(file: Path) -> str:
    found = hashlib.sha256()
    with file.open("rb") as content:
        while piece := content.read(_PIECE):
            found.update(piece)
    return found.hexdigest()


def _is(path: Path) -> bool:
    """Whether a file looks like a manifest whose Parquet file is gone."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(found, dict) and all(field in found for field in _FIELDS)


def _unreadable(path: Path, why: object) -> BadManifest:
    return BadManifest(
        f"cannot read {path}: {why}", detail="remove it, then take the snapshot again"
    )
