"""`agnes admin tokens …`: tokens of people and agents. The server keeps only a hash of each."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from console.cli.lazy import noun
from console.cli.listing import (
    LimitOption,
    OffsetOption,
    SearchOption,
    UserArgument,
    show_list,
    show_one,
    user_id,
)
from console.cli.output import Column, JsonOption, field, note, time_field

app = noun("Tokens of people and agents. Without a command: list.")

TokenArgument = Annotated[str, typer.Argument(metavar="ID", help="The token's id, not its text.")]

COLUMNS = (
    Column("USER", field("user_email"), floor=12),
    Column("NAME", field("name"), floor=10),
    Column("KIND", field("kind")),
    Column("EXPIRES", time_field("expires_at"), drop=3),
    Column("LAST USED", time_field("last_used_at"), drop=2),
    Column("REVOKED", time_field("revoked_at"), drop=4),
    Column("ID", field("id"), drop=1),
)


class Kind(StrEnum):
    CLI = "cli"
    AGENT = "agent"
    EXTERNAL = "external"


@app.command("list")
def list_tokens(
    search: SearchOption = None,
    limit: LimitOption = None,
    offset: OffsetOption = 0,
    as_json: JsonOption = False,
) -> None:
    """All tokens, revoked ones too."""
    from console.client import connect

    with connect() as client:
        answer = client.tokens.list(limit=limit, offset=offset, q=search)
    show_list("tokens", COLUMNS, answer, as_json=as_json)


@app.command()
def show(token: TokenArgument, as_json: JsonOption = False) -> None:
    """One token; its text is shown once, when it is made, and never again."""
    from console.client import connect

    with connect() as client:
        row = client.tokens.show(token)
    show_one(row, as_json=as_json)


@app.command()
def create(
    user: UserArgument,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is for.")],
    days: Annotated[
        int | None, typer.Option("--days", min=1, help="How long it stays valid.")
    ] = None,
    kind: Annotated[
        Kind | None, typer.Option("--kind", help="What will use it; the log shows it as source.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make a token and print it once."""
    from console.client import connect

    with connect() as client:
        row = client.tokens.create(
            user_id=user_id(client, user), name=name, expires_days=days, kind=kind
        )
    show_one(row, as_json=as_json)
    note("this is the only time the token is shown: keep it where secrets are kept")


@app.command()
def rename(
    token: TokenArgument,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The new name.")],
    as_json: JsonOption = False,
) -> None:
    """Give a token another name."""
    from console.client import connect

    with connect() as client:
        row = client.tokens.update(token, name=name)
    show_one(row, as_json=as_json)


@app.command()
def revoke(token: TokenArgument, as_json: JsonOption = False) -> None:
    """End a token at once."""
    from console.client import connect

    with connect() as client:
        client.tokens.delete(token)
        row = client.tokens.show(token)
    show_one(row, as_json=as_json)
