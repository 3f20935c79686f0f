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
from console.cli.output import Column, JsonOption, field, say, show_json, time_field
from console.cli.prompts import PasswordOption, new_password
from console.cli.text import plain

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

RIGHTS = (
    Column("RESOURCE", field("resource"), floor=12),
    Column("OPEN", field("allowed")),
    Column("WHY", field("rule"), floor=20),
)
BROWSERS = (
    Column("SINCE", time_field("created_at")),
    Column("UNTIL", time_field("expires_at"), drop=1),
    Column("FROM", field("client_ip"), floor=8, drop=2),
    Column("ID", field("id")),
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


@app.command()
def access(
    user: UserArgument,
    everything: Annotated[
        bool, typer.Option("--all", help="Also what they may not open, and why.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """What somebody may open, and why."""
    from console.client import connect, path_of

    with connect() as client:
        key = user_id(client, user)
        answer = client.request("GET", path_of("/api/admin/users", key, "access"))
    if not everything:
        rows = [row for row in answer["rows"] if row["allowed"]]
        answer = {**answer, "rows": rows, "total": len(rows)}
    show_list("resources", RIGHTS, answer, as_json=as_json)


@app.command()
def link(user: UserArgument, as_json: JsonOption = False) -> None:
    """A link that signs somebody in once, within 15 minutes. It is shown here only."""
    from console.client import connect, path_of

    with connect() as client:
        key = user_id(client, user)
        row = client.request("POST", path_of("/api/admin/users", key, "sign-in-link"), json={})
        address = client.server.rstrip("/") + row.pop("path")
    show_one({**row, "link": address}, as_json=as_json)


@app.command()
def browsers(user: UserArgument, as_json: JsonOption = False) -> None:
    """The browsers in which somebody is signed in."""
    from console.client import connect, path_of

    with connect() as client:
        key = user_id(client, user)
        answer = client.request("GET", path_of("/api/admin/users", key, "browsers"))
    show_list("browsers", BROWSERS, answer, as_json=as_json)


@app.command("sign-out")
def sign_out(
    user: UserArgument,
    browser: Annotated[str, typer.Argument(metavar="BROWSER", help="Its id, see `browsers`.")],
    as_json: JsonOption = False,
) -> None:
    """Sign one of somebody's browsers out."""
    from console.client import connect, path_of

    with connect() as client:
        key = user_id(client, user)
        client.request("DELETE", path_of("/api/admin/users", key, "browsers", browser))
    if as_json:
        show_json({"id": browser, "signed_out": True})
    else:
        say(f"signed out the browser {plain(browser)}")
