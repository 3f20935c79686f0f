"""How commands end: the exit codes, and the one place that turns errors into text for a person.

Everything a server or a file says goes through `plain` before it reaches the terminal.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import typer

from console.cli.text import plain
from schema.errors import AgnesError, BadParameter, BadRequest, Forbidden, NotSignedIn, Unavailable

FINE, FAILED, WRONG_USE, NOT_ALLOWED, UNREACHABLE, INTERRUPTED = 0, 1, 2, 3, 4, 130

EXIT_CODES = {
    FINE: "done",
    FAILED: "the server said no, or something failed",
    WRONG_USE: "wrong use of the command",
    NOT_ALLOWED: "not signed in, or not allowed",
    UNREACHABLE: "the server cannot be reached or is not ready; try again later",
    INTERRUPTED: "interrupted",
}

OURS = {"console", "ingest", "schema"}


class WrongUse(BadRequest):
    """The command was called in a way that cannot work; nothing was asked of the server."""

    title = "Wrong use"


def code_of(error: BaseException) -> int:
    """The exit code that says what happened."""
    if isinstance(error, KeyboardInterrupt | typer.Abort):
        return INTERRUPTED
    if isinstance(error, Unavailable):
        return UNREACHABLE
    if isinstance(error, NotSignedIn | Forbidden):
        return NOT_ALLOWED
    # The client answers a server's 400 as BadRequest; these two are only raised on this side.
    return WRONG_USE if isinstance(error, WrongUse | BadParameter) else FAILED


def lines_of(error: BaseException) -> list[str]:
    """What a person is told: the sentence, then what to do next."""
    if isinstance(error, KeyboardInterrupt | typer.Abort):
        return ["interrupted"]
    if isinstance(error, AgnesError):
        return _with_advice(error.message, error.detail or _advice(error))
    if isinstance(error, ModuleNotFoundError) and (error.name or "").split(".")[0] not in OURS:
        return _with_advice(
            f"this command needs the package {error.name}, which is not installed",
            "install the server's part: pip install 'agnes-console[server]'",
        )
    if isinstance(error, OSError) and error.strerror:
        what = f"{error.filename}: " if error.filename else ""
        return [f"error: {plain(what + error.strerror)}"]
    return _with_advice(
        f"unexpected {type(error).__name__}: {error}", "set AGNES_DEBUG=1 to see where"
    )


@contextmanager
def named_exits() -> Iterator[None]:
    """Run a command; what goes wrong is told on stderr and becomes the exit code."""
    try:
        yield
    except (typer.Exit, BrokenPipeError):
        raise
    except (Exception, KeyboardInterrupt) as error:
        if hasattr(error, "exit_code"):
            raise  # Typer's own: a wrong option; it knows usage text and code
        if os.environ.get("AGNES_DEBUG"):
            import traceback

            traceback.print_exception(error)
        for line in lines_of(error):
            typer.echo(line, err=True)
        raise typer.Exit(code_of(error)) from error


def _advice(error: AgnesError) -> str:
    return "run `agnes login`, or set AGNES_TOKEN" if isinstance(error, NotSignedIn) else ""


def _with_advice(sentence: str, advice: str) -> list[str]:
    lines = [f"error: {plain(sentence)}"]
    return [*lines, f"  {plain(advice)}"] if advice else lines
