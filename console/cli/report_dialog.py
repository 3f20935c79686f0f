"""Showing a report to the person, and the question. Only the typed word `send` sends."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable

import typer

from console.cli.output import on_terminal
from console.cli.report_draft import Draft
from console.cli.report_preview import BEGIN, END

YES = "send"
PARTS = {"no session": "session", "no environment": "environment", "no link": "link"}
QUESTION = (
    f"Type {YES} to send exactly this. Type `no session`, `no environment` or `no link` to leave\n"
    "that out and see it again, `show` to see it once more. Anything else sends nothing: "
)

Show = Callable[[Draft], str]


def watched() -> bool:
    """Whether a person sees the preview and can answer."""
    return on_terminal(sys.stdin) and (on_terminal(sys.stderr) or on_terminal(sys.stdout))


def confirmed(draft: Draft, text: Show) -> Draft | None:
    """What the person said to send, None for nothing. `text` makes the preview of a draft."""
    shown(text(draft))
    while True:
        answer = _answer(QUESTION)
        if answer == YES:
            return draft
        if answer == "show":
            shown(text(draft))
        elif (part := PARTS.get(answer)) and part not in draft.without:
            draft = draft.leave_out(part)
            shown(text(draft))
        else:
            return None


def typed_word(word: str, question: str) -> bool:
    """Whether the person typed just that word."""
    return _answer(f"{question} changes nothing: ") == word


def _answer(question: str) -> str:
    _forget_what_was_typed_before()
    typer.echo(question, nl=False, err=True)
    return " ".join(sys.stdin.readline().split())


def shown(text: str) -> None:
    """The preview on the terminal; where it is longer than that, in the pager, and its summary
    stays beside the question."""
    columns, rows = shutil.get_terminal_size()
    height = sum(1 + len(line) // max(1, columns) for line in text.splitlines())
    if height <= rows - 4 or not on_terminal(sys.stdout):
        typer.echo(text, err=True)
        return
    if not _paged(text):
        typer.echo(text, err=True)
        return
    summary = text.partition(BEGIN)[0]
    typer.echo(f"{summary}{BEGIN}\n  (shown in full; `show` shows it again)\n{END}", err=True)


def _paged(text: str) -> bool:
    """Whether the person's pager has shown it."""
    command = shlex.split(os.environ.get("PAGER") or "less")
    if not command or shutil.which(command[0]) is None:
        return False
    # Ctrl-C is the pager's own; killed by us it would leave the terminal as it had set it.
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        done = subprocess.run(command, input=text.encode(), check=False)
    finally:
        signal.signal(signal.SIGINT, before)
    return done.returncode == 0


def _forget_what_was_typed_before() -> None:
    """What stood in the line before the question was asked is no answer to it."""
    try:
        import termios

        termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)
    except (ImportError, OSError, ValueError):
        pass  # no such terminal here
    except Exception as error:
        if type(error).__name__ != "error":  # termios.error: standard input is none
            raise
