"""`agnes mark-private`: sessions that stay on this machine. The server knows nothing of them.

Each is an empty file named after the session: made and removed in one step, whoever else does so
at the same moment.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from console.cli.exits import WrongUse
from console.cli.ledger import data_folder, sent
from console.cli.output import note, say
from console.cli.text import plain
from console.cli.transcript_files import ENDINGS, session_of


def mark_private(
    session: Annotated[
        str | None,
        typer.Argument(metavar="SESSION", help="Its id, or the file of its transcript."),
    ] = None,
    undo: Annotated[bool, typer.Option("--undo", help="Let it be sent again.")] = False,
) -> None:
    """Keep a session, and its subagents, out of `agnes push` and `agnes report`.

    Without SESSION: the one in which this runs, as CLAUDE_CODE_SESSION_ID names it.
    """
    name = _named(session)
    mark = _folder() / name
    if undo:
        was = mark.exists()
        mark.unlink(missing_ok=True)
        now = "is no longer private: the next push sends it" if was else "was not private"
        say(f"session {plain(name)} {now}")
        return
    mark.touch(mode=0o600)
    say(f"session {plain(name)} is private: no push sends it or its subagents, no report")
    for entry in sent(name):
        note(
            f"it was sent before: {entry.server} has {entry.session_file} since {entry.at}."
            " That copy stays; ask an admin of the console to remove it."
        )


def private_sessions() -> frozenset[str]:
    """The ids of all sessions that are marked."""
    return frozenset(os.listdir(_folder()))


def _folder() -> Path:
    folder = data_folder() / "private"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def _named(session: str | None) -> str:
    how = "name it: agnes mark-private SESSION, the name of its transcript without .jsonl"
    name = session or os.environ.get("CLAUDE_CODE_SESSION_ID", "")
    if not name:
        raise WrongUse("no session: CLAUDE_CODE_SESSION_ID is not set", detail=how)
    if name.endswith(ENDINGS):
        name = session_of(Path(name))
    if name.strip(".") == "" or any(mark in name for mark in "/\\\0"):
        raise WrongUse(f"{name} is not the id of a session", detail=how)
    return name
