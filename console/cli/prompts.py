"""Asking a person, or reading what a script pipes in. Secrets never come from the command line,
where the shell's history and the list of processes would keep them."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from console.cli.exits import WrongUse
from console.cli.output import on_terminal

PasswordOption = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input.")
]


def from_stdin(option: str, what: str) -> str:
    """The first line of standard input. Raises WrongUse when there is none."""
    line = sys.stdin.readline().rstrip("\r\n")
    if not line:
        raise WrongUse(
            f"{option} found no {what} on standard input",
            detail=f"pipe it in: printf '%s' \"$SECRET\" | agnes … {option}",
        )
    return line


def ask(what: str, *, hidden: bool = False, instead: str) -> str:
    """What a person types. Without a terminal raises WrongUse, which names the way `instead`."""
    if not on_terminal(sys.stdin):
        raise WrongUse(f"no {what} given and no terminal to ask on", detail=instead)
    answer: str = typer.prompt(what.capitalize(), hide_input=hidden, err=True)
    return answer


def new_password(*, piped: bool) -> str:
    """A password to set: piped in, or typed twice."""
    if piped:
        return from_stdin("--password-stdin", "password")
    first = ask("new password", hidden=True, instead="pipe the password in: --password-stdin")
    if first != ask("the same again", hidden=True, instead=""):
        raise WrongUse("the two passwords differ", detail="nothing was changed")
    return first
