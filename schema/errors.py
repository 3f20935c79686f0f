"""The one tree of errors. A front end (HTTP, page, terminal) turns them into its own words in one
place.

AgnesError                  500
├── BadRequest              400   what cannot be asked
│   └── BadParameter        400   a parameter out of range, repeated, unknown or unreadable
├── NotSignedIn             401
├── Forbidden               403
├── NotFound                404
├── Conflict                409
│   └── Outdated            409   somebody else was faster; `more` holds both
├── TooLarge                413
├── TooMany                 429   carries `retry_after` in seconds
└── Unavailable             503   try again later; nothing was written
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class AgnesError(Exception):
    """Something went wrong that has a name. `detail` says what to do next."""

    status = 500
    title = "Server error"

    def __init__(self, message: str, *, detail: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.detail = detail


class BadRequest(AgnesError):
    status = 400
    title = "Bad request"


class BadParameter(BadRequest):
    """Names the parameter, the bad value and what is allowed."""

    title = "Bad parameter"

    def __init__(self, name: str, value: object, allowed: str, *, detail: str = "") -> None:
        super().__init__(f"{name}={shorten(value)} is not allowed: {allowed}", detail=detail)
        self.name = name

    @classmethod
    def unknown(cls, name: str, known: Iterable[str], *, what: str = "parameter") -> BadParameter:
        """The error for a name that does not exist; suggests the nearest that does."""
        names = sorted(known)
        near = difflib.get_close_matches(name, names, n=1)
        hint = f"did you mean {near[0]}?" if near else "known: " + ", ".join(names)
        error = cls(name, "", "")
        error.message = f"unknown {what} {shorten(name)}; {hint}"
        error.args = (error.message,)
        return error


class NotSignedIn(AgnesError):
    status = 401
    title = "Not signed in"


class Forbidden(AgnesError):
    status = 403
    title = "Forbidden"


class NotFound(AgnesError):
    status = 404
    title = "Not found"


class Conflict(AgnesError):
    status = 409
    title = "Conflict"


class Outdated(Conflict):
    """Somebody else changed `id` meanwhile. A front end that knows how it stands now says so beside
    what was wanted, in `more`."""

    def __init__(self, noun: str, id: str, *, seen: int, is_now: int) -> None:
        super().__init__(
            f"{noun} {shorten(id)} was changed meanwhile: you saw version {seen}, it is {is_now}",
            detail="Look at how it stands now, then change that version.",
        )
        self.id = id
        self.more: dict[str, object] = {}


class TooLarge(AgnesError):
    status = 413
    title = "Too large"


class TooMany(AgnesError):
    status = 429
    title = "Too many requests"

    def __init__(self, message: str, *, retry_after: int, detail: str = "") -> None:
        super().__init__(message, detail=detail)
        self.retry_after = retry_after


class Unavailable(AgnesError):
    status = 503
    title = "Unavailable"


def shorten(value: object, limit: int = 80) -> str:
    """`value` as one printable line for a message: escaped, quoted, cut at `limit` characters."""
    text = value if isinstance(value, str) else str(value)
    shown = ascii(text)
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"
