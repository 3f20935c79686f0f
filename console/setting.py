"""One setting: its name, default and help, and how its text is read.

Each reader raises ValueError for what is not allowed; `Setting.allowed` says in words what is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urlsplit

from console.credentials import is_this_machine


@dataclass(frozen=True)
class Setting:
    name: str
    default: str
    help: str
    parse: Callable[[str], Any] = str
    allowed: str = "a text"
    live: bool = False  # may be changed while the server runs, where the environment says nothing

    @property
    def attribute(self) -> str:
        """Its name in `Settings`."""
        return self.name.removeprefix("AGNES_").lower()

    @property
    def secret(self) -> bool:
        """Whether its value is shown to nobody."""
        return self.name.endswith(_SECRET)


def flag(text: str) -> bool:
    if text.lower() in ("1", "true", "yes", "on"):
        return True
    if text.lower() in ("0", "false", "no", "off", ""):
        return False
    raise ValueError(text)


def limit(text: str) -> int:
    number = int(text)
    if not 1 <= number <= _MOST:
        raise ValueError(text)
    return number


def interval(text: str) -> int | None:
    if not text:
        return None
    seconds = int(text)
    if not 0 <= seconds <= _YEAR:
        raise ValueError(text)
    return seconds


def hours(text: str) -> int:
    """Up to a year: a moment that lies too far ahead is none."""
    hours = int(text)
    if not 1 <= hours <= 8760:
        raise ValueError(text)
    return hours


def days(text: str) -> int:
    days = int(text)
    if not 0 <= days <= 36_500:
        raise ValueError(text)
    return days


def hour(text: str) -> int:
    hour = int(text)
    if not 0 <= hour <= 23:
        raise ValueError(text)
    return hour


def line(text: str) -> str:
    if not text.isprintable() or len(text) > 200:
        raise ValueError(text)
    return text.strip()


def public(text: str) -> str:
    """An address of http or https without a query, and without a slash at its end."""
    if not text:
        return ""
    parts = _address(text)
    plain = not (parts.query or parts.fragment or parts.username or parts.password)
    if parts.scheme not in ("http", "https") or not parts.hostname or not plain:
        raise ValueError(text)
    return text.rstrip("/")


def service(text: str) -> str:
    """The same, with TLS unless it is on this machine."""
    address = public(text)
    if urlsplit(address).scheme != "https" and not is_this_machine(address):
        raise ValueError(text)
    return address


def words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def repository(text: str) -> str:
    if not text:
        return ""
    parts = _address(text)
    names = [name for name in parts.path.split("/") if name]
    extra = parts.query or parts.fragment or parts.username or parts.password
    if parts.scheme != "https" or not parts.hostname or len(names) != 2 or extra:
        raise ValueError(text)
    return f"https://{parts.netloc}/{names[0]}/{names[1].removesuffix('.git')}"


def _address(text: str) -> SplitResult:
    """Its parts. What `urlsplit` passes over, or leaves out, is no address."""
    parts = urlsplit(text)
    if not text.isprintable() or set(text) & set(' "<>\\^`{|}'):
        raise ValueError(text)
    _ = parts.port  # raises for what is no number
    return parts


_MOST = 1_000_000_000
_YEAR = 366 * 86_400  # seconds
_SECRET = ("_KEY", "_TOKEN", "_SECRET", "_PASSWORD", "_SOURCES")  # addresses hold passwords
LIMIT: dict[str, Any] = {"parse": limit, "allowed": f"a whole number from 1 to {_MOST:,}"}
POSITIVE = LIMIT
DAYS: dict[str, Any] = {"parse": days, "allowed": "a number of days, 0 to keep everything"}
FLAG: dict[str, Any] = {"parse": flag, "allowed": "1 or 0"}
WORDS: dict[str, Any] = {"parse": words, "allowed": "a comma list"}
