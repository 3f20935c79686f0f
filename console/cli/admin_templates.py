"""`agnes admin templates …`: the two prompts as admins write them."""

from __future__ import annotations

import difflib
import sys
from pathlib import Path
from typing import Annotated

import typer

from console.cli.exits import WrongUse
from console.cli.lazy import noun
from console.cli.listing import show_list
from console.cli.output import (
    Column,
    JsonOption,
    field,
    note,
    on_terminal,
    say,
    show_json,
    time_field,
)
from console.cli.text import plain, plain_lines

app = noun("The prompts that agents and workspaces are handed. Without a command: list.")

PATH = "/api/admin/templates"
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="agent or workspace.")]

COLUMNS = (
    Column("NAME", field("name")),
    Column("TITLE", field("title"), drop=2),
    Column("DEFAULT", field("is_default")),
    Column("VERSION", field("version"), drop=1),
    Column("CHANGED", time_field("updated_at")),
)


@app.command("list")
def list_templates(as_json: JsonOption = False) -> None:
    """Both prompts, and when each was changed."""
    from console.client import connect

    with connect() as client:
        answer = client.request("GET", PATH)
    show_list("prompts", COLUMNS, answer, as_json=as_json)


@app.command()
def show(
    name: NameArgument,
    default: Annotated[
        bool, typer.Option("--default", help="The text that comes with the console.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """The text of a prompt, as it is written."""
    from console.client import connect, path_of

    with connect() as client:
        row = client.request("GET", path_of(PATH, name))
    if as_json:
        show_json(row)
        return
    say(plain_lines(row["default" if default else "body"]).removesuffix("\n"))


@app.command("set")
def set_template(
    name: NameArgument,
    path: Annotated[
        Path | None,
        typer.Argument(metavar="FILE", help="The text; - or nothing reads standard input."),
    ] = None,
    default: Annotated[bool, typer.Option("--default", help="Take the default again.")] = False,
    version: Annotated[
        str | None,
        typer.Option("--version", help="Only while this is its version, as `show --json` has it."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Set the text of a prompt. Each version can be brought back."""
    from console.client import connect, path_of

    body = None if default else _text(path)
    given = {"body": body, **({"version": version} if version else {})}
    with connect() as client:
        row = client.request("PUT", path_of(PATH, name), json=given)
    if as_json:
        show_json(row)
        return
    kind = "is the default" if row["is_default"] else f"has {len(row['body']):,} characters"
    say(f"the {plain(row['title']).lower()} {kind}, version {plain(row['version'])}")


@app.command()
def diff(name: NameArgument, as_json: JsonOption = False) -> None:
    """What differs from the text that comes with the console."""
    from console.client import connect, path_of

    with connect() as client:
        row = client.request("GET", path_of(PATH, name))
    lines = list(
        difflib.unified_diff(
            row["default"].splitlines(),
            row["body"].splitlines(),
            "default",
            "now",
            lineterm="",
        )
    )
    if as_json:
        show_json({"name": row["name"], "is_default": row["is_default"], "diff": lines})
        return
    for line in lines:
        say(plain(line))
    if not lines:
        note("nothing: it is the default")


def _text(path: Path | None) -> str:
    """Raises OSError for a file that cannot be read."""
    if path is not None and str(path) != "-":
        return path.read_text(encoding="utf-8")
    if on_terminal(sys.stdin):
        raise WrongUse("there is no text", detail="name a file, or send the text on standard input")
    return sys.stdin.read()
