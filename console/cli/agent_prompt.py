"""`agnes prompt`: what an agent, or a workspace, is told for whoever asks."""

from __future__ import annotations

from typing import Annotated

import typer

from console.cli.output import JsonOption, say, show_json
from console.cli.text import plain_lines


def prompt(
    name: Annotated[str, typer.Argument(metavar="NAME", help="agent or workspace.")] = "agent",
    as_json: JsonOption = False,
) -> None:
    """The prompt of this instance, made for you."""
    from console.client import connect, path_of

    with connect() as client:
        row = client.request("GET", path_of("/api/templates", name))
    if as_json:
        show_json(row)
    else:
        say(plain_lines(row["text"]).removesuffix("\n"))
