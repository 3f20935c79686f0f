"""The form that registers a table: which files lie where they are looked for, which databases
there are."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from console.pages.tables.reading import Reading
from console.syncing import definition
from console.tables import table_files

_MOST = 200  # files that are offered


@dataclass(frozen=True)
class Form:
    """`files` lie directly in `folders`; those in folders below can be typed. `connections`: names
    of AGNES_SOURCES."""

    folders: Sequence[Path]
    files: Sequence[str]
    connections: Sequence[str] = ()

    @property
    def empty(self) -> dict[str, None]:
        """A table of which nothing is known yet."""
        return dict.fromkeys(definition.FIELDS)

    @property
    def choices(self) -> list[tuple[str, str]]:
        return [(name, name) for name in self.connections]


def read(reading: Reading) -> Form | None:
    """None while no form asks for a file."""
    if reading.state.do not in ("register", "change"):
        return None
    folders = table_files.folders(reading.instance.settings)
    found = sorted(path for folder in folders for path in _files(folder))
    names = [one.name for one in reading.instance.settings.sources]
    return Form(folders, found[:_MOST], names)


def _files(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return [
                entry.path
                for entry in entries
                if Path(entry.name).suffix.lower() in table_files.KINDS
                and entry.is_file(follow_symlinks=False)
            ]
    except OSError:
        return []  # it is made when somebody puts a file there
