"""The notebooks of `agnes lab`: copies of the installed ones, in a folder that belongs to whoever
works there. What they changed is theirs: it is never written over.

A small file beside them remembers what was put there, so that a copy nobody touched follows a new
release.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

REMEMBERED = ".agnes-notebooks.json"
INSTALLED = Path(__file__).resolve().parents[2] / "notebooks" / "analysis"


@dataclass(frozen=True)
class Filled:
    """What was done, by names of files. `older`: changed by their owner, and this release brings
    another one than they began with."""

    folder: Path
    new: tuple[str, ...]
    renewed: tuple[str, ...]
    older: tuple[str, ...]


def fill(folder: Path, source: Path = INSTALLED) -> Filled:
    """Bring the notebooks of `source` into `folder`, which is made, for its owner only, where it
    does not exist. One that was removed comes back. Links are left alone. Raises OSError."""
    folder = folder.expanduser().absolute()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    known = _remembered(folder)
    done: dict[str, list[str]] = {"new": [], "renewed": [], "older": []}
    for path in sorted(source.glob("*.ipynb")):
        what = _brought(path.read_bytes(), folder / path.name, known)
        if what:
            done[what].append(path.name)
    _write(folder / REMEMBERED, json.dumps(known, indent=1).encode())
    return Filled(folder, *(tuple(done[what]) for what in ("new", "renewed", "older")))


def _brought(data: bytes, to: Path, known: dict[str, str]) -> str:
    """Bring one notebook; what was done. `known` is what copies began as, by name."""
    shipped = hashlib.sha256(data).hexdigest()
    began = known.get(to.name)
    if not os.path.lexists(to):
        what = "new"
    elif to.is_symlink() or not to.is_file():
        return ""
    else:
        is_now = hashlib.sha256(to.read_bytes()).hexdigest()
        if is_now == shipped:
            known[to.name] = shipped
            return ""
        if is_now != began:
            return "older" if began != shipped else ""
        what = "renewed"
    _write(to, data)
    known[to.name] = shipped
    return what


def _remembered(folder: Path) -> dict[str, str]:
    """Nothing where it cannot be read: then every copy that differs is its owner's."""
    try:
        known = json.loads((folder / REMEMBERED).read_text(encoding="utf-8"))
        return {str(name): str(digest) for name, digest in known.items()}
    except (OSError, ValueError, AttributeError):
        return {}


def _write(path: Path, data: bytes) -> None:
    """Whole or not at all."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".agnes-")
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(data)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
