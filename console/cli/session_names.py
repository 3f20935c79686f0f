"""Which session a person means: `<user>/<file>`, both apart, or how its file's name begins."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from console.cli.exits import WrongUse
from console.cli.listing import user_id
from schema.errors import NotFound, shorten

if TYPE_CHECKING:
    from console.client import Client, Json

SessionArgument = Annotated[
    str,
    typer.Argument(metavar="SESSION", help="<user>/<file>, or how the file's name begins."),
]
FileArgument = Annotated[
    str | None,
    typer.Argument(metavar="[FILE]", help="The file, when SESSION is the user (id or e-mail)."),
]

PAGE = 200
LEAST = 4  # characters of a name
_SHOWN = 5  # of the sessions that a beginning may mean
_BEGIN = "2000-01-01T00:00:00Z"


@dataclass(frozen=True)
class Place:
    """Where one session is asked for: the address, and how a person names it."""

    base: str
    session_file: str

    @property
    def file(self) -> str:
        return self.session_file.rpartition("/")[2]


def of_anybody(client: Client, session: str, file: str | None) -> Place:
    """The session of whomever that is meant. Raises NotFound, WrongUse."""
    if file is None and "/" not in session:
        session_file = _only(session, _named(client, session))
    else:
        user, _, name = session.partition("/") if file is None else (session, "", file)
        session_file = f"{user_id(client, user)}/{_whole(name)}"
    return Place(_address("/api/admin/sessions", *session_file.split("/", 1)), session_file)


def of_mine(client: Client, session: str) -> Place:
    """The session of one's own that is meant. Raises NotFound, WrongUse."""
    name = session.rpartition("/")[2]
    session_file = _only(name, _mine(client))
    return Place(_address("/api/me/sessions", session_file.partition("/")[2]), session_file)


def _named(client: Client, beginning: str) -> Iterator[str]:
    """All whose name, or whose text, has it."""
    given = {"q": _bare(beginning), "since": _BEGIN, "sort": "uploaded_at:desc", "limit": PAGE}
    yield from _pages(client, "/api/admin/sessions/list", given)


def _mine(client: Client) -> Iterator[str]:
    yield from _pages(client, "/api/me/sessions", {"limit": PAGE})


def _pages(client: Client, path: str, given: dict[str, Any]) -> Iterator[str]:
    offset: int | None = 0
    while offset is not None:
        page: Json = client.request("GET", path, params={**given, "offset": offset})
        yield from (row["session_file"] for row in page["rows"])
        offset = page["next_offset"]


def _only(beginning: str, names: Iterator[str]) -> str:
    """The one whose file's name begins so; the whole name means itself."""
    start = _bare(beginning)
    if len(start) < LEAST:
        raise WrongUse(
            f"SESSION {shorten(start)} is too short to name a session",
            detail=f"give <user>/<file>, or at least {LEAST} characters of the file's name",
        )
    wanted = start.casefold()
    found = [name for name in names if _file(name).startswith(wanted)]
    whole = [name for name in found if _file(name) in (wanted, f"{wanted}.jsonl")]
    if len(whole) == 1 or len(found) == 1:
        return (whole or found)[0]
    if not found:
        raise NotFound(
            f"no session's file begins with {shorten(start)}",
            detail="see the list of sessions; <user>/<file> names any of them",
        )
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    raise WrongUse(
        f"{len(found)} sessions begin with {shorten(start)}",
        detail="name one: " + ", ".join(found[:_SHOWN]) + more,
    )


def _file(name: str) -> str:
    return name.partition("/")[2].casefold()


def _bare(text: str) -> str:
    """As a table printed it: cut off, with an ellipsis."""
    return text.strip().removesuffix("…")


def _whole(name: str) -> str:
    return name if name.endswith(".jsonl") else f"{name}.jsonl"


def _address(base: str, *parts: str) -> str:
    from console.client import path_of

    return path_of(base, *parts)
