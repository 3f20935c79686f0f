"""`agnes push`: send transcripts of Claude Code. One bad file never stops the others."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from console.cli.exits import FAILED, FINE, WrongUse, code_of
from console.cli.ledger import data_folder, ledger
from console.cli.output import JsonOption, note, on_terminal, say, show_json
from console.cli.private import private_sessions
from console.cli.progress import bar
from console.cli.push_batch import Batch, Outcome, told
from console.cli.push_lock import only_one
from console.cli.report_queue import waiting_note
from console.cli.transcript_files import Upload, find, named, workspace
from console.credentials import current
from schema.errors import AgnesError, Conflict


def push(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(metavar="PATH", help="Files, or folders with all below them."),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="The transcripts of every project.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be sent; send nothing.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Send unchanged files again.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print only what went wrong.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Send new and grown transcripts: *.jsonl and *.jsonl.gz, sessions before their subagents.

    Without PATH: those of the folder you are in, or all below the folder in AGNES_TRANSCRIPTS.
    What looks like a secret is cut out of what is sent, and counted; the files stay as they are.
    Sessions that `agnes mark-private` marks stay here. A name that the server does not take is
    changed, and said. Sending a file again replaces it.
    """
    if paths and every:
        raise WrongUse("PATH and --all exclude each other", detail="leave out one of them")
    wanted = paths or [_workspace(every=every)]
    try:
        with nullcontext() if dry_run else only_one(data_folder() / "push.lock"):
            outcomes, code = _push(wanted, dry_run=dry_run, force=force, quiet=quiet or as_json)
    except Conflict as busy:
        if as_json:
            show_json(_report([], dry_run=dry_run, error=busy.message))
        elif not quiet:
            raise
        raise typer.Exit(FINE if quiet else FAILED) from busy
    if as_json:
        show_json(_report(outcomes, dry_run=dry_run))
    else:
        _summarise(outcomes, dry_run=dry_run, quiet=quiet)
        if not quiet and (waits := waiting_note(current()[0])):
            note(waits)
    if any(outcome.status == "failed" for outcome in outcomes):
        raise typer.Exit(code or FAILED)


def _push(
    wanted: Sequence[Path], *, dry_run: bool, force: bool, quiet: bool
) -> tuple[list[Outcome], int]:
    """What became of each file, and the exit code of what stopped the push, else FINE."""
    transcripts, passed = find(wanted)
    uploads = sorted(named(transcripts), key=_turn)
    if not quiet:
        for each in passed:
            if not each.asked:
                note(f"passed over {each.path}: {each.why}")
    outcomes = [Outcome(each.path, "failed", why=each.why) for each in passed if each.asked]
    if not (uploads or outcomes or quiet):
        note(f"no *.jsonl below {', '.join(str(path) for path in wanted)}")
    code = FINE
    if uploads:
        code = _send_all(uploads, outcomes, dry_run=dry_run, force=force, quiet=quiet)
    return outcomes, code


def _send_all(
    uploads: Sequence[Upload], outcomes: list[Outcome], *, dry_run: bool, force: bool, quiet: bool
) -> int:
    from console.client import connect

    watched = on_terminal(sys.stderr)
    sizes = [_state(upload)[1] for upload in uploads]
    with (
        connect() as client,
        ledger(client.server) as known,
        bar(sum(sizes), bytes=True, wanted=not quiet) as update,
    ):
        sender = None if dry_run else client
        batch = Batch(sender, known, update, private=private_sessions(), force=force)
        for upload, size in zip(uploads, sizes, strict=True):
            outcome = batch.send(upload, size)
            outcomes.append(outcome)
            if not (quiet or watched) and (outcome.tried or dry_run):
                say(outcome.line())
    if watched and not quiet:
        for outcome in outcomes:
            if outcome.renamed or (dry_run and outcome.status != "failed"):
                say(outcome.line())
    return code_of(batch.stopped) if batch.stopped else FINE


def _summarise(outcomes: Sequence[Outcome], *, dry_run: bool, quiet: bool) -> None:
    count = Counter(outcome.status for outcome in outcomes)
    for outcome in outcomes:
        if outcome.status == "failed":
            note(f"not sent: {outcome.path}: {outcome.why}")
        elif outcome.status in ("private", "refused") and not (quiet or dry_run):
            note(f"left out: {outcome.path}: {outcome.why}")
    if quiet:
        return
    sent = count["would_send" if dry_run else "sent"]
    size = sum(outcome.bytes for outcome in outcomes)
    files_sent = f"{sent:,} {'file' if sent == 1 else 'files'}"
    verb = "to send" if dry_run else "sent"
    rest = [f"{count['failed']} failed"]
    rest += [
        f"{count[word]:,} {word}" for word in ("unchanged", "private", "refused") if count[word]
    ]
    say(f"{files_sent}, {size / 1e6:,.1f} MB {verb}, {', '.join(rest)}")
    if redacted := _redacted(outcomes):
        say(f"redacted: {told(redacted)}")


def _report(outcomes: Sequence[Outcome], *, dry_run: bool, error: str | None = None) -> object:
    """What `--json` prints, always of this shape."""
    count = Counter(outcome.status for outcome in outcomes)
    return {
        "files": [outcome.record() for outcome in outcomes if outcome.tried],
        "left_out": [outcome.record() for outcome in outcomes if not outcome.tried],
        "sent": count["sent"],
        "would_send": count["would_send"],
        "failed": count["failed"],
        "unchanged": count["unchanged"],
        "private": count["private"],
        "refused": count["refused"],
        "bytes": sum(outcome.bytes for outcome in outcomes),
        "redacted": _redacted(outcomes),
        "dry_run": dry_run,
        "error": error,
    }


def _redacted(outcomes: Sequence[Outcome]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for outcome in outcomes:
        total.update(outcome.redacted)
    return dict(total)


def _workspace(*, every: bool) -> Path:
    """The folder of the working folder's transcripts, or of all on this machine."""
    folder = workspace(every=every)
    if not folder.exists():
        asked = every or bool(os.environ.get("AGNES_TRANSCRIPTS"))
        named = "name files or folders: agnes push PATH, or set AGNES_TRANSCRIPTS"
        here = "go to the project's folder, name one: agnes push PATH, or use --all"
        raise AgnesError(f"there are no transcripts at {folder}", detail=named if asked else here)
    return folder


def _turn(upload: Upload) -> tuple[bool, int]:
    """Sessions before subagents, and then what has waited longest."""
    return upload.transcript.parent is not None, _state(upload)[0]


def _state(upload: Upload) -> tuple[int, int]:
    """(mtime in ns, size in bytes)."""
    try:
        state = upload.transcript.path.stat()
    except OSError:
        return 0, 0  # gone by now; sending it says so
    return state.st_mtime_ns, state.st_size
