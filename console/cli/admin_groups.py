"""`agnes admin groups …`: groups and who is in them. What they may open: `agnes admin grants`."""

from __future__ import annotations

from typing import Annotated

import typer

from console.cli.exits import WrongUse
from console.cli.lazy import noun
from console.cli.listing import (
    GroupArgument,
    LimitOption,
    OffsetOption,
    SearchOption,
    UserArgument,
    group_id,
    show_list,
    show_one,
    user_id,
)
from console.cli.output import Column, JsonOption, field, say, show_json, time_field
from console.cli.text import plain

app = noun("Groups and their members. A group is named by id or name. Without a command: list.")

DescriptionOption = Annotated[
    str | None, typer.Option("--description", help="What the group is for.")
]
ClaimOption = Annotated[
    str | None,
    typer.Option(
        "--claim", help="Group at the OpenID provider that it follows; an empty text: none."
    ),
]

COLUMNS = (
    Column("NAME", field("name"), floor=12),
    Column("MEMBERS", field("members"), right=True),
    Column("DESCRIPTION", field("description"), floor=12, drop=2),
    Column("CREATED", time_field("created_at"), drop=3),
    Column("ID", field("id"), drop=1),
)
MEMBERS = (
    Column("EMAIL", field("email"), floor=16),
    Column("NAME", field("name"), floor=8, drop=2),
    Column("ADDED", time_field("added_at"), drop=3),
    Column("ID", field("user_id"), drop=1),
)


@app.command("list")
def list_groups(
    search: SearchOption = None,
    limit: LimitOption = None,
    offset: OffsetOption = 0,
    as_json: JsonOption = False,
) -> None:
    """All groups."""
    from console.client import connect

    with connect() as client:
        answer = client.groups.list(limit=limit, offset=offset, q=search)
    show_list("groups", COLUMNS, answer, as_json=as_json)


@app.command()
def show(group: GroupArgument, as_json: JsonOption = False) -> None:
    """One group."""
    from console.client import connect

    with connect() as client:
        row = client.groups.show(group_id(client, group))
    show_one(row, as_json=as_json)


@app.command()
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The group's name.")],
    description: DescriptionOption = None,
    claim: ClaimOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add a group."""
    from console.client import connect

    with connect() as client:
        row = client.groups.create(name=name, description=description, claim=claim)
    show_one(row, as_json=as_json)


@app.command()
def update(
    group: GroupArgument,
    name: Annotated[str | None, typer.Option("--name", help="The new name.")] = None,
    description: DescriptionOption = None,
    claim: ClaimOption = None,
    as_json: JsonOption = False,
) -> None:
    """Change what is named; the rest stays."""
    from console.client import connect

    if name is None and description is None and claim is None:
        raise WrongUse("nothing to change", detail="give --name, --description or --claim")
    with connect() as client:
        key = group_id(client, group)
        row = client.groups.update(key, name=name, description=description, claim=claim)
    show_one(row, as_json=as_json)


@app.command()
def delete(group: GroupArgument, as_json: JsonOption = False) -> None:
    """Delete a group, its memberships and its grants."""
    from console.client import connect

    with connect() as client:
        key = group_id(client, group)
        client.groups.delete(key)
    _done(f"deleted the group {group}", {"id": key, "deleted": True}, as_json=as_json)


@app.command()
def members(
    group: GroupArgument,
    limit: LimitOption = None,
    offset: OffsetOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Who is in a group."""
    from console.client import connect

    with connect() as client:
        answer = client.groups.members(group_id(client, group), limit=limit, offset=offset)
    show_list("members", MEMBERS, answer, as_json=as_json)


@app.command("add-member")
def add_member(group: GroupArgument, user: UserArgument, as_json: JsonOption = False) -> None:
    """Take a user into a group."""
    from console.client import connect

    with connect() as client:
        row = client.groups.add_member(group_id(client, group), user_id(client, user))
    show_one(row, as_json=as_json)


@app.command("remove-member")
def remove_member(group: GroupArgument, user: UserArgument, as_json: JsonOption = False) -> None:
    """Take a user out of a group."""
    from console.client import connect

    with connect() as client:
        key, who = group_id(client, group), user_id(client, user)
        client.groups.remove_member(key, who)
    removed = {"group_id": key, "user_id": who, "removed": True}
    _done(f"{user} is no longer in {group}", removed, as_json=as_json)


def _done(sentence: str, answer: dict[str, object], *, as_json: bool) -> None:
    if as_json:
        show_json(answer)
    else:
        say(plain(sentence))
