"""`agnes login`, `agnes logout`, `agnes whoami`: who this terminal is, and at which server."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer

from console import credentials
from console.cli.exits import WrongUse
from console.cli.output import JsonOption, dash, moment, note, say, show_json
from console.cli.prompts import PasswordOption, ask, from_stdin
from console.cli.text import plain
from console.credentials import Login

ServerOption = Annotated[
    str | None,
    typer.Option("--server", metavar="URL", help="Address of the console; remembered as default."),
]
INSTEAD = "give --email and --password-stdin, or --token-stdin"


def login(
    server: ServerOption = None,
    email: Annotated[str | None, typer.Option("--email", help="Your e-mail.")] = None,
    password_stdin: PasswordOption = False,
    token_stdin: Annotated[
        bool, typer.Option("--token-stdin", help="Read a token from standard input instead.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Sign in and remember it for this server.

    Asks for e-mail and password on a terminal. The token is kept in a file that only you can read.
    """
    if token_stdin and (password_stdin or email):
        raise WrongUse("--token-stdin goes without --email and --password-stdin")
    address, _ = credentials.current(server)
    if address.startswith("http:") and not credentials.is_this_machine(address):
        note(f"warning: {address} is not encrypted; others on the way can read what you send")
    made = (
        _by_token(address, from_stdin("--token-stdin", "token"))
        if token_stdin
        else _by_password(address, email, piped=password_stdin)
    )
    file = credentials.save(made)
    if as_json:
        show_json({"server": made.server, "email": made.email, "expires_at": made.expires_at})
    else:
        until = f" until {moment(made.expires_at)}" if made.expires_at else ""
        say(f"signed in to {plain(made.server)} as {plain(made.email)}{until}")
        say(f"remembered in {file}")
    if os.environ.get("AGNES_TOKEN"):
        note("warning: AGNES_TOKEN is set and is used before this sign-in; unset it")


def logout(server: ServerOption = None) -> None:
    """Revoke the remembered token and forget it."""
    from console.client import Client
    from schema.errors import NotSignedIn

    address, _ = credentials.current(server)
    known = credentials.load().logins.get(address)
    if known is None:
        detail = "unset AGNES_TOKEN to stop using its token" if _token_set() else ""
        raise WrongUse(f"not signed in to {address}: nothing to end", detail=detail)
    # Forgotten first: whatever the server says, this machine no longer holds the token.
    credentials.forget(address)
    try:
        with Client(address, known.token) as client:
            client.logout()
    except NotSignedIn:
        pass  # revoked or expired already, which is what was asked for
    except Exception:
        note("forgotten here, but the server did not confirm; the token stays valid there")
        raise
    say(f"signed out of {plain(address)}")


def whoami(as_json: JsonOption = False) -> None:
    """Who you are, at which server, and what your groups may open."""
    from console.client import connect

    with connect() as client:
        me = client.me()
        server = client.server
    if as_json:
        show_json({**me, "server": server})
        return
    name = f" ({plain(me['name'])})" if me.get("name") else ""
    say(f"{plain(me['email'])}{name}{', admin' if me.get('is_admin') else ''}")
    say(f"server  {plain(server)}")
    say(f"id      {plain(me['id'])}")
    say(f"groups  {_listed(me.get('groups'), lambda group: dash(group.get('name')))}")
    say(f"grants  {_listed(me.get('grants'), _grant)}")


def _by_password(address: str, email: str | None, *, piped: bool) -> Login:
    from console.client import Client

    email = email or ask("e-mail", instead=INSTEAD)
    password = (
        from_stdin("--password-stdin", "password")
        if piped
        else ask("password", hidden=True, instead=INSTEAD)
    )
    with Client(address) as client:
        answer = client.login(email, password, name=f"agnes on {platform.node() or 'a machine'}")
    return Login(
        server=address,
        token=answer["token"],
        email=answer["user"]["email"],
        expires_at=answer.get("expires_at"),
    )


def _by_token(address: str, token: str) -> Login:
    """A token made elsewhere is asked for its owner before it is kept."""
    from console.client import Client

    with Client(address, token.strip()) as client:
        return Login(server=address, token=token.strip(), email=client.me()["email"])


def _token_set() -> bool:
    return bool(os.environ.get("AGNES_TOKEN"))


def _listed(rows: Sequence[Any] | None, text: Callable[[Any], str]) -> str:
    return ", ".join(text(row) for row in rows or []) or "none"


def _grant(row: dict[str, Any]) -> str:
    named = f":{row['resource_id']}" if row.get("resource_id") else ""
    return plain(f"{row.get('resource_type')}{named}")
