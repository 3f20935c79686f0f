"""`agnes admin users …`: who may sign in."""

from __future__ import annotations

from typing import Annotated

import typer

from console.cli.exits import WrongUse
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
from console.cli.output import Column, JsonOption, field, time_field
from console.cli.prompts import PasswordOption, new_password

app = noun("People who may sign in. A user is named by id or e-mail. Without a command: list.")

NameOption = Annotated[str | None, typer.Option("--name", help="The name to show.")]

COLUMNS = (
    Column("EMAIL", field("email"), floor=16),
    Column("NAME", field("name"), floor=8, drop=2),
    Column("ADMIN", field("is_admin")),
    Column("ACTIVE", field("is_active")),
    Column("CREATED", time_field("created_at"), drop=3),
    Column("ID", field("id"), drop=1),
)


@app.command("list")
def list_users(
    search: SearchOption = None,
    limit: LimitOption = None,
    offset: OffsetOption = 0,
    as_json: JsonOption = False,
) -> None:
    """All users."""
    from console.client import connect

    with connect() as client:
        answer = client.users.list(limit=limit, offset=offset, q=search)
    show_list("users", COLUMNS, answer, as_json=as_json)


@app.command()
def show(user: UserArgument, as_json: JsonOption = False) -> None:
    """One user."""
    from console.client import connect

    with connect() as client:
        row = client.users.show(user_id(client, user))
    show_one(row, as_json=as_json)


@app.command()
def create(
    email: Annotated[str, typer.Argument(metavar="EMAIL", help="The e-mail to sign in with.")],
    name: NameOption = None,
    admin: Annotated[bool, typer.Option("--admin", help="Make an admin.")] = False,
    password_stdin: PasswordOption = False,
    ask_password: Annotated[
        bool, typer.Option("--ask-password", help="Type a password now.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Add a user, with a password or without one."""
    from console.client import connect

    asked = password_stdin or ask_password
    password = new_password(piped=password_stdin) if asked else None
    with connect() as client:
        row = client.users.create(email=email, name=name, is_admin=admin or None, password=password)
    show_one(row, as_json=as_json)


@app.command()
def update(
    user: UserArgument,
    email: Annotated[str | None, typer.Option("--email", help="The new e-mail.")] = None,
    name: NameOption = None,
    admin: Annotated[
        bool | None, typer.Option("--admin/--no-admin", help="An admin, or not.")
    ] = None,
    active: Annotated[
        bool | None, typer.Option("--active/--inactive", help="May sign in, or not.")
    ] = None,
    unlink_sso: Annotated[
        bool, typer.Option("--unlink-sso", help="Forget whom they are at the OpenID provider.")
    ] = False,
    password_stdin: PasswordOption = False,
    ask_password: Annotated[
        bool, typer.Option("--ask-password", help="Type a new password now.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Change what is named; the rest stays."""
    from console.client import connect

    asked = password_stdin or ask_password
    told = any(given is not None for given in (email, name, admin, active))
    if not (asked or told or unlink_sso):
        raise WrongUse("nothing to change", detail="name what is new; see --help")
    password = new_password(piped=password_stdin) if asked else None
    with connect() as client:
        row = client.users.update(
            user_id(client, user),
            email=email,
            name=name,
            is_admin=admin,
            is_active=active,
            sso_linked=False if unlink_sso else None,
            password=password,
        )
    show_one(row, as_json=as_json)


@app.command()
def deactivate(user: UserArgument, as_json: JsonOption = False) -> None:
    """Sign out for good; what the user did stays in the log. `update --active` takes it back."""
    from console.client import connect

    with connect() as client:
        key = user_id(client, user)
        client.users.delete(key)
        row = client.users.show(key)
    show_one(row, as_json=as_json)
