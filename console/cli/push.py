"""`agnes push`: send transcripts of Claude Code. One bad file never stops the others."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from console.cli.exits import FAILED, FINE, code_of
from console.cli.output import JsonOption, note, on_terminal, say, show_json
from console.cli.progress import Update, bar
from console.cli.text import plain
from console.cli.transcript_files import Upload, find, legal_name, named, stored
from schema.errors import AgnesError, NotSignedIn

if TYPE_CHECKING:
    from console.client import Client, Json

WAITS = (0.5, 1.0, 2.0)  # seconds before each new try, once the line broke


@dataclass(frozen=True)
class Outcome:
    """What became of one file. `error` is empty when it was sent."""

    path: Path
    name: str = ""
    session_file: str = ""
    bytes: int = 0
    error: str = ""
    renamed: bool = False

    def line(self) -> str:
        if self.error:
            return plain(f"failed  {self.path}: {self.error}")
        name = f" as {self.name}" if self.renamed else ""
        return plain(f"sent    {self.path}{name}  {self.bytes / 1e3:,.1f} kB")

    def record(self) -> Json:
        return {
            "path": str(self.path),
            "filename": self.name or None,
            "session_file": self.session_file or None,
            "bytes": self.bytes,
            "status": "failed" if self.error else "sent",
            "error": self.error or None,
        }


def push(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(metavar="PATH", help="Files, or folders with all below them."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Send transcripts: *.jsonl and *.jsonl.gz, subagents' after their session's.

    Without PATH: everything below ~/.claude/projects, or the folder in AGNES_TRANSCRIPTS. A name
    that the server does not take is changed, and said. Sending a file again replaces it.
    """
    wanted = paths or [_workspace()]
    transcripts, passed = find(wanted)
    uploads = named(transcripts)
    for each in passed:
        if not each.asked:
            note(f"passed over {each.path}: {each.why}")
    outcomes = [Outcome(each.path, error=each.why) for each in passed if each.asked]
    if not (uploads or outcomes):
        note(f"no *.jsonl below {', '.join(str(path) for path in wanted)}")
    code = _send_all(uploads, outcomes, quiet=as_json) if uploads else FINE
    _summarise(outcomes, as_json=as_json)
    if any(outcome.error for outcome in outcomes):
        raise typer.Exit(code or FAILED)


class Batch:
    """One push: which sessions the server has by now, and whether going on makes sense."""

    def __init__(self, client: Client, update: Update) -> None:
        self.stopped: AgnesError | None = None
        self._client = client
        self._update = update
        self._before = 0  # bytes of the files that are done with
        self._session_files: dict[str, str] = {}

    def send(self, upload: Upload) -> Outcome:
        """Send one file; what goes wrong with it is in the outcome."""
        from console.client import Unreachable

        path, size = upload.transcript.path, _size(upload)
        try:
            if self.stopped is not None:
                raise AgnesError(f"not tried: {self.stopped.message}")
            answer = self._sent(upload)
        except AgnesError as error:
            # The next file would meet the same closed door.
            if isinstance(error, Unreachable | NotSignedIn):
                self.stopped = error
            return Outcome(path, upload.name, error=error.message)
        except OSError as error:
            return Outcome(path, upload.name, error=error.strerror or str(error))
        finally:
            self._before += size
            self._update(self._before, path.name)
        session_file = str(answer.get("session_file") or "")
        self._session_files[os.path.realpath(path)] = session_file
        return Outcome(path, upload.name, session_file, size, renamed=upload.renamed)

    def _sent(self, upload: Upload) -> Json:
        """The server's answer, after up to three more tries where the line broke."""
        from console.client import Unreachable

        for wait in WAITS:
            try:
                return self._tried(upload)
            except Unreachable:
                time.sleep(wait)
        return self._tried(upload)

    def _tried(self, upload: Upload) -> Json:
        path = upload.transcript.path

        def progress(done: int) -> None:
            self._update(self._before + done, path.name)

        parent = self._parent(upload)
        return self._client.upload(path, name=upload.name, parent=parent, progress=progress)

    def _parent(self, upload: Upload) -> str | None:
        """The session a subagent's transcript belongs to, as the server knows it."""
        parent = upload.transcript.parent
        if parent is None:
            return None
        known = self._session_files.get(os.path.realpath(parent))
        # Else it was sent by an earlier push, or not at all; the server says which.
        return known or stored(legal_name(parent.name))


def _send_all(uploads: Sequence[Upload], outcomes: list[Outcome], *, quiet: bool) -> int:
    """Send all, add their outcomes; the exit code of what stopped the push, else FINE."""
    from console.client import connect

    watched = on_terminal(sys.stderr)
    total = sum(_size(upload) for upload in uploads)
    with connect() as client, bar(total, bytes=True) as update:
        batch = Batch(client, update)
        for upload in uploads:
            outcomes.append(batch.send(upload))
            if not (quiet or watched):
                say(outcomes[-1].line())
    if watched and not quiet:
        for outcome in outcomes:
            if outcome.renamed:
                say(outcome.line())
    return code_of(batch.stopped) if batch.stopped else FINE


def _summarise(outcomes: Sequence[Outcome], *, as_json: bool) -> None:
    failed = [outcome for outcome in outcomes if outcome.error]
    sent = len(outcomes) - len(failed)
    size = sum(outcome.bytes for outcome in outcomes)
    if as_json:
        files = [outcome.record() for outcome in outcomes]
        show_json({"files": files, "sent": sent, "failed": len(failed), "bytes": size})
        return
    files_sent = f"{sent:,} {'file' if sent == 1 else 'files'}"
    say(f"{files_sent}, {size / 1e6:,.1f} MB sent, {len(failed)} failed")
    for outcome in failed:
        note(f"not sent: {outcome.path}: {outcome.error}")


def _workspace() -> Path:
    """The folder of all transcripts on this machine."""
    folder = Path(os.environ.get("AGNES_TRANSCRIPTS") or "~/.claude/projects").expanduser()
    if not folder.exists():
        raise AgnesError(
            f"there are no transcripts at {folder}",
            detail="name files or folders: agnes push PATH, or set AGNES_TRANSCRIPTS",
        )
    return folder


def _size(upload: Upload) -> int:
    try:
        return upload.transcript.path.stat().st_size
    except OSError:
        return 0  # gone by now; sending it says so
