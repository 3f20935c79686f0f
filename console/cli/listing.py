"""What the commands of every noun share: listing its rows, showing one, naming users and groups."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from console.cli.exits import WrongUse
from console.cli.output import Column, dash, moment, note, say, show_json, show_table
from console.cli.text import plain
from schema.errors import Forbidden, NotFound

if TYPE_CHECKING:
    from console.client import Client, Json

LimitOption = Annotated[
    int | None, typer.Option("--limit", min=1, help="Rows at most; all of them by default.")
]
OffsetOption = Annotated[int, typer.Option("--offset", min=0, help="Rows to pass over.")]
SearchOption = Annotated[
    str | None, typer.Option("--search", "-q", help="Only rows that contain this text.")
]
CursorOption = Annotated[
    str | None, typer.Option("--cursor", metavar="TS,ID", help="As the last page printed it.")
]
UserArgument = Annotated[str, typer.Argument(metavar="USER", help="A user's id or e-mail.")]
GroupArgument = Annotated[str, typer.Argument(metavar="GROUP", help="A group's id or name.")]

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def show_list(noun: str, columns: Sequence[Column], answer: Json, *, as_json: bool) -> None:
    """The rows of `answer`, and how to see the rest. `noun` is their plural."""
    if as_json:
        show_json(answer)
        return
    rows = answer["rows"]
    if not rows:
        say(f"no {noun} here" if answer["offset"] else f"no {noun}")
        return
    show_table(columns, rows)
    following = answer.get("next_offset")
    rest = f"; the next: --offset {following}" if following is not None else ""
    note(f"{len(rows)} of {answer['total']} {noun}{rest}")


def show_one(row: Mapping[str, Any], *, as_json: bool) -> None:
    """One row, a field a line."""
    if as_json:
        show_json(row)
        return
    width = max(len(name) for name in row)
    for name, value in row.items():
        shown = moment(value) if name.endswith("_at") else dash(value)
        say(f"{plain(name):<{width}}  {shown}")


def user_id(client: Client, user: str) -> str:
    """The id of the user whose id or e-mail this is. Raises NotFound."""
    if "@" not in user:
        return user
    found = _exactly(client.users.list, "email", user, same=str.casefold)
    if found is None:
        raise NotFound(f"no user has the e-mail {user}", detail="see `agnes admin users`")
    return found


def whose(client: Client, user: str | None) -> dict[str, str]:
    """The parameter that asks for what is one user's, by id or e-mail. Raises NotFound."""
    if user is None or "@" not in user:
        return {} if user is None else {"user_id": user}
    try:
        return {"user_id": user_id(client, user)}
    except Forbidden:  # only admins may look people up; a row holds the e-mail it was made with
        return {"username": user}


def cursor_of(text: str | None) -> dict[str, str]:
    """The parameters of `--cursor`. Raises WrongUse."""
    if text is None:
        return {}
    moment_of_row, comma, row = text.rpartition(",")
    if not (comma and moment_of_row and row):
        raise WrongUse(
            f"--cursor {text} is not a cursor", detail="copy TS,ID from the end of the last page"
        )
    return {"cursor_ts": moment_of_row, "cursor_id": row}


def group_id(client: Client, group: str) -> str:
    """The id of the group whose id or name this is. Raises NotFound."""
    if _ID.fullmatch(group):
        return group
    found = _exactly(client.groups.list, "name", group, same=str)
    if found is None:
        raise NotFound(f"no group has the name {group}", detail="see `agnes admin groups`")
    return found


def _exactly(
    ask: Callable[..., Json], name: str, wanted: str, *, same: Callable[[str], str]
) -> str | None:
    """The id of the row whose field `name` is `wanted`; the server's `q` only narrows it."""
    for row in ask(q=wanted)["rows"]:
        if same(row[name] or "") == same(wanted):
            found: str = row["id"]
            return found
    return None
