"""Other databases that tables can be read from, as the operator named them in `AGNES_SOURCES`.

A connection has a name, which the registry keeps, and an address with a password, which nothing
keeps: no row, no message and no `repr` has it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

ALLOWED = (
    "`name=postgresql://user:password@host/database`, several apart by blanks; or the absolute "
    "path of a file with one a line"
)
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_SCHEMES = ("postgresql", "postgres")
_FILE = 1 << 20  # bytes


@dataclass(frozen=True)
class Connection:
    """`url`: the whole address, password included."""

    name: str
    url: str = field(repr=False)

    @property
    def kind(self) -> str:
        return "postgresql"

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not stand in any message."""
        password = urlsplit(self.url).password or ""
        return tuple(one for one in (self.url, password, unquote(password)) if one)

    def clean(self, text: str) -> str:
        """`text` without what is secret of this connection."""
        for secret in self.secrets:
            text = text.replace(secret, "***")
        return text


def parsed(text: str) -> tuple[Connection, ...]:
    """The connections of a setting. Raises ValueError, which never holds the text."""
    if text.startswith("/"):
        text = _from_file(Path(text))
    lines = (line for line in text.splitlines() if not line.lstrip().startswith("#"))
    found = [_one(word) for line in lines for word in line.split()]
    if len({one.name for one in found}) < len(found):
        raise ValueError("a name stands there twice")
    return tuple(found)


def _from_file(path: Path) -> str:
    try:
        with path.open(encoding="utf-8") as file:
            return file.read(_FILE)
    except (OSError, UnicodeDecodeError):
        raise ValueError("the file cannot be read") from None


def _one(word: str) -> Connection:
    name, _, url = word.partition("=")
    try:
        parts = urlsplit(url)
        known = parts.scheme in _SCHEMES and parts.hostname and parts.port != 0
    except ValueError:  # it would say what the text is
        known = None
    if not known or not _NAME.fullmatch(name) or not parts.path.strip("/"):
        raise ValueError("not a connection")
    return Connection(name, url)
