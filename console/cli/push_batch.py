"""One push at work: each file is looked up, made ready, sent and written down before the next."""

from __future__ import annotations

import os
import time
from collections.abc import Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from console.cli.ledger import Ledger
from console.cli.push_ready import IsPrivate, Ready, ready
from console.cli.text import plain
from console.cli.transcript_files import Upload, legal_name, session_of, stored
from schema.errors import AgnesError, NotFound, NotSignedIn

if TYPE_CHECKING:
    from console.cli.progress import Update
    from console.client import Client, Json

WAITS = (0.5, 1.0, 2.0)  # seconds before each new try, once the line broke
PRIVATE = "private: `agnes mark-private --undo` lets it be sent"
UNCHANGED = "unchanged since it was sent"

Status = Literal["sent", "would_send", "failed", "unchanged", "private", "refused"]


@dataclass(frozen=True)
class Outcome:
    """What became of one file. `why`: what went wrong, or why it was left out."""

    path: Path
    status: Status
    name: str = ""
    session_file: str = ""
    bytes: int = 0
    why: str = ""
    redacted: dict[str, int] = field(default_factory=dict)
    renamed: bool = False

    @property
    def tried(self) -> bool:
        return self.status in ("sent", "would_send", "failed")

    def line(self) -> str:
        if self.why:
            return plain(f"{self.status:<7} {self.path}: {self.why}")
        name = f" as {self.name}" if self.renamed else ""
        verb = "sent   " if self.status == "sent" else "to send"
        cut = f"  redacted: {told(self.redacted)}" if self.redacted else ""
        return plain(f"{verb} {self.path}{name}  {self.bytes / 1e3:,.1f} kB{cut}")

    def record(self) -> Json:
        if not self.tried:
            return {"path": str(self.path), "status": self.status, "why": self.why}
        return {
            "path": str(self.path),
            "filename": self.name or None,
            "session_file": self.session_file or None,
            "bytes": self.bytes,
            "redacted": self.redacted,
            "status": self.status,
            "error": self.why or None,
        }


def told(redacted: dict[str, int]) -> str:
    """`2 jwt, 1 password`."""
    return ", ".join(f"{count:,} {rule}" for rule, count in sorted(redacted.items()))


class Batch:
    """Sends file after file, and knows whether going on makes sense.

    Without `client` nothing is sent and nothing written down. `force` sends unchanged files too.
    """

    def __init__(
        self,
        client: Client | None,
        ledger: Ledger,
        update: Update,
        *,
        private: Set[str],
        force: bool = False,
    ) -> None:
        self.stopped: AgnesError | None = None
        self._client = client
        self._ledger = ledger
        self._update = update
        self._private = private
        self._force = force
        self._before = 0  # bytes of the files that are done with

    def send(self, upload: Upload, size: int) -> Outcome:
        """Send one file of about `size` bytes; what goes wrong with it is in the outcome."""
        path = upload.transcript.path
        try:
            left_out = self._left_out(upload)
            if left_out is not None:
                return left_out
            if self.stopped is not None:
                raise AgnesError(f"not tried: {self.stopped.message}")
            with ready(path, private=self._private) as prepared:
                return self._sent(upload, prepared)
        except IsPrivate:
            return Outcome(path, "private", why=PRIVATE)
        except AgnesError as error:
            return Outcome(path, "failed", upload.name, why=error.message)
        except OSError as error:
            return Outcome(path, "failed", upload.name, why=error.strerror or str(error))
        finally:
            self._before += size
            self._update(self._before, path.name)

    def _left_out(self, upload: Upload) -> Outcome | None:
        path = upload.transcript.path
        if session_of(path) in self._private:
            return Outcome(path, "private", why=PRIVATE)
        entry = self._ledger.of(path)
        if entry is None or self._force or not entry.unchanged(path):
            return None
        if entry.error:
            why = f"refused before, and unchanged: {entry.error}; --force tries it again"
            return Outcome(path, "refused", why=why)
        return Outcome(path, "unchanged", why=f"{UNCHANGED} ({entry.at})")

    def _sent(self, upload: Upload, prepared: Ready) -> Outcome:
        path, reading = upload.transcript.path, prepared.reading
        session_file = ""
        if self._client is not None:
            try:
                answer = self._answer(self._client, upload, prepared)
            except AgnesError as error:
                self._failed(upload, prepared, error)
                raise
            session_file = str(answer.get("session_file") or "")
            self._ledger.write(path, session_of(path), reading, session_file=session_file)
        return Outcome(
            path,
            "sent" if self._client is not None else "would_send",
            upload.name,
            session_file,
            reading.size,
            redacted=prepared.redacted,
            renamed=upload.renamed,
        )

    def _failed(self, upload: Upload, prepared: Ready, error: AgnesError) -> None:
        from console.client import Unreachable

        if isinstance(error, Unreachable | NotSignedIn):
            self.stopped = error  # the next file would meet the same closed door
            return
        # A subagent's session may still come, and another server answers otherwise.
        passing = isinstance(error, NotFound) and upload.transcript.parent is not None
        elsewhere = "AGNES_SERVER" in error.detail
        lasting = 400 <= error.status < 500 and error.status not in (408, 409, 429)
        if lasting and not passing and not elsewhere:
            path = upload.transcript.path
            before = self._ledger.of(path)
            self._ledger.write(
                path,
                session_of(path),
                prepared.reading,
                session_file=before.session_file if before else "",  # an older copy stays there
                error=error.message,
            )

    def _answer(self, client: Client, upload: Upload, prepared: Ready) -> Json:
        """The server's answer, after up to three more tries where the line broke."""
        from console.client import Unreachable

        for wait in WAITS:
            try:
                return self._tried(client, upload, prepared)
            except Unreachable:
                time.sleep(wait)
        return self._tried(client, upload, prepared)

    def _tried(self, client: Client, upload: Upload, prepared: Ready) -> Json:
        path, size = upload.transcript.path, prepared.reading.size
        packed = max(1, os.fstat(prepared.packed.fileno()).st_size)

        def progress(done: int) -> None:
            self._update(self._before + size * done // packed, path.name)

        return client.upload(
            path,
            name=f"{stored(upload.name)}.gz",
            parent=self._parent(upload),
            content=prepared.packed,
            progress=progress,
        )

    def _parent(self, upload: Upload) -> str | None:
        """The session a subagent's transcript belongs to, as the server knows it."""
        parent = upload.transcript.parent
        if parent is None:
            return None
        entry = self._ledger.of(parent)
        if entry is not None and entry.session_file:
            return entry.session_file
        # It was not sent from here; the server says whether it has it.
        return stored(legal_name(parent.name))
