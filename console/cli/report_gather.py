"""What a report is made of, gathered on this machine and cleaned. Nothing is asked of a server."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

import typer

from console.cli.exits import WrongUse
from console.cli.ledger import ledger
from console.cli.output import on_terminal
from console.cli.private import private_sessions
from console.cli.report_clean import Cleaning
from console.cli.report_draft import Draft, category_of, environment, excerpt_of, message_of
from console.cli.report_session import Nothing, Tail, current, tail
from console.cli.transcript_files import session_of
from schema.errors import AgnesError


@dataclass(frozen=True)
class Wanted:
    """What the person asked for. `turns` None: the usual number."""

    message: str | None
    session: Path | None
    no_session: bool
    no_environment: bool
    turns: int | None
    since_turn: int | None
    category: str | None


def gathered(wanted: Wanted, server: str) -> Draft:
    """The report, cleaned. Raises WrongUse for what cannot be one."""
    if wanted.no_session and (wanted.session or wanted.since_turn is not None or wanted.turns):
        raise WrongUse(
            "--no-session excludes --session, --turns and --since-turn", detail="leave one out"
        )
    cut = {"message": Cleaning(), "session": Cleaning(), "environment": Cleaning()}
    message = message_of(_message(wanted.message), cut["message"])
    category = category_of(wanted.category, cut["message"])
    found = _tail(wanted)
    file = "" if isinstance(found, Nothing) else _uploaded(found, server)
    version = "" if isinstance(found, Nothing) else found.version
    draft = Draft(
        message=message,
        key=os.urandom(16).hex(),
        category=category,
        excerpt=excerpt_of(found, cut["session"], file),
        why_none=found.why if isinstance(found, Nothing) else "",
        environment={} if wanted.no_environment else environment(version, cut["environment"]),
        cut=cut,
        without=frozenset({"environment"} if wanted.no_environment else ()),
    )
    return draft.fitted()


def _message(given: str | None) -> str:
    if given == "-":
        return sys.stdin.read() if sys.stdin else ""
    if given is not None:
        return given
    if not on_terminal(sys.stdin):
        raise WrongUse("no message given and no terminal to ask on", detail="agnes report -m TEXT")
    typer.echo("What happened? End with an empty line.", err=True)
    lines: list[str] = []
    while (line := sys.stdin.readline()) and (line.strip() or not any(lines)):
        lines.append(line.rstrip("\r\n"))
    return "\n".join(lines)


def _tail(wanted: Wanted) -> Tail | Nothing:
    if wanted.no_session:
        return Nothing("--no-session")
    try:
        private = private_sessions()
    except OSError as error:  # a full disk, for one: a session that may be private stays here
        return Nothing(f"which sessions are private cannot be read: {error.strerror}")
    path = current(wanted.session, private)
    if isinstance(path, Nothing):
        return path
    return tail(path, turns=wanted.turns, since=wanted.since_turn, private=private)


def _uploaded(found: Tail, server: str) -> str:
    """The name under which this server has the transcript, empty if it was not sent from here."""
    if session_of(found.path) != found.path.name.split(".jsonl")[0]:
        return ""  # a subagent's belongs to its session
    try:
        with ledger(server) as known:
            entry = known.of(found.path)
    except (AgnesError, OSError):
        return ""  # a report is worth more than its link
    return entry.session_file if entry else ""
