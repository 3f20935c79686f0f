"""What can be wrong with a source.

`reason` is what the database said, for operators: it can name hosts and tables. The message names
only the connection, so that everybody may read it.
"""

from __future__ import annotations

from console.tables.connections import Connection
from schema.errors import AgnesError, Unavailable, shorten

_REASON = 200  # characters


class SourceDown(Unavailable):
    """It cannot be reached, or lets nobody in, or the line broke."""

    title = "Source unavailable"

    def __init__(self, connection: Connection, reason: str = "") -> None:
        super().__init__(
            f"the source {connection.name} cannot be reached", detail="Try again later."
        )
        self.reason = _clean(connection, reason)


class SourceFailed(AgnesError):
    """It answered, and not with the rows that were asked for."""

    status = 502
    title = "Source failed"

    def __init__(self, connection: Connection, reason: str = "", *, what: str = "") -> None:
        what = what or "did not give the rows that were asked for"
        super().__init__(
            f"the source {connection.name} {what}",
            detail="An admin finds the reason in the server's log.",
        )
        self.reason = _clean(connection, reason)


def _clean(connection: Connection, reason: str) -> str:
    line = " ".join(connection.clean(reason).partition("\n")[0].split())
    return shorten(line, _REASON)
