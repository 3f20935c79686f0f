"""`agnes admin grants …`: what each group may open."""

from __future__ import annotations

from typing import Annotated

import typer

from console.cli.lazy import noun
from console.cli.listing import (
    GroupArgument,
    LimitOption,
    OffsetOption,
    SearchOption,
    group_id,
    show_list,
    show_one,
)
from console.cli.output import Column, JsonOption, field, say, show_json, time_field
from console.cli.text import plain

app = noun("What each group may open. A group is named by id or name. Without a command: list.")

GrantArgument = Annotated[str, typer.Argument(metavar="ID", help="The grant's id.")]
TYPES = "activity, telemetry, sessions, feedback or table"

COLUMNS = (
    Column("GROUP", field("group_name"), floor=12),
    Column("TYPE", field("resource_type")),
    Column("RESOURCE", field("resource_id"), floor=10),
    Column("CREATED", time_field("created_at"), drop=2),
    Column("BY", field("created_by"), floor=8, drop=3),
    Column("ID", field("id"), drop=1),
)

PEOPLE = (
    Column("EMAIL", field("user_email"), floor=16),
    Column("NAME", field("user_name"), floor=8, drop=1),
    Column("WHY", field("rule"), floor=20),
)


@app.command("list")
def list_grants(
    search: SearchOption = None,
    group: Annotated[
        str | None, typer.Option("--group", help="Only this group's: id or name.")
    ] = None,
    resource_type: Annotated[
        str | None, typer.Option("--type", help=f"Only this type: {TYPES}.")
    ] = None,
    limit: LimitOption = None,
    offset: OffsetOption = 0,
    as_json: JsonOption = False,
) -> None:
    """All grants."""
    from console.client import connect

    with connect() as client:
        answer = client.grants.list(
            limit=limit,
            offset=offset,
            q=search,
            group_id=None if group is None else group_id(client, group),
            resource_type=resource_type,
        )
    show_list("grants", COLUMNS, answer, as_json=as_json)


@app.command()
def show(grant: GrantArgument, as_json: JsonOption = False) -> None:
    """One grant."""
    from console.client import connect

    with connect() as client:
        row = client.grants.show(grant)
    show_one(row, as_json=as_json)


@app.command()
def create(
    group: GroupArgument,
    resource_type: Annotated[str, typer.Argument(metavar="TYPE", help=f"One of {TYPES}.")],
    resource_id: Annotated[
        str | None, typer.Argument(metavar="RESOURCE", help="Which one, such as a table's id.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Let a group open something."""
    from console.client import connect

    with connect() as client:
        row = client.grants.create(
            group_id=group_id(client, group), resource_type=resource_type, resource_id=resource_id
        )
    show_one(row, as_json=as_json)


@app.command()
def delete(grant: GrantArgument, as_json: JsonOption = False) -> None:
    """Take a grant back."""
    from console.client import connect

    with connect() as client:
        client.grants.delete(grant)
    if as_json:
        show_json({"id": grant, "deleted": True})
    else:
        say(f"deleted the grant {plain(grant)}")


@app.command()
def who(
    resource: Annotated[
        str,
        typer.Argument(
            metavar="RESOURCE", help="activity, telemetry, sessions, feedback or table:<id>."
        ),
    ],
    as_json: JsonOption = False,
) -> None:
    """Who can see something, and why: 1000 people at most."""
    from console.client import connect

    with connect() as client:
        params = {"resource": resource, "limit": 1000}
        answer = client.request("GET", "/api/admin/access", params=params)
    show_list("people", PEOPLE, answer, as_json=as_json)
