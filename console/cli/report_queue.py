"""Confirmed reports that no server has taken yet: one file each, the request's bytes as they were
shown. Whoever sends one later sends the same key, so that it is filed once."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from console.cli.ledger import data_folder
from console.cli.push_lock import only_one
from schema.errors import AgnesError, Forbidden, NotSignedIn, TooMany

if TYPE_CHECKING:
    from console.client import Client

PATH = "/api/feedback"
_ENDING, _REFUSED = ".report", ".refused"

Json = dict[str, Any]


@dataclass(frozen=True)
class Waiting:
    """One report in the queue: the server it was confirmed for, and its request."""

    file: Path
    server: str
    body: bytes


@dataclass(frozen=True)
class Flushed:
    """What became of the queue: the server's answers, what it refused and why, what still waits.
    `stopped` is what ended the sending early."""

    sent: tuple[Json, ...]
    refused: tuple[tuple[Path, str], ...]
    stopped: AgnesError | None


def offline(error: AgnesError) -> bool:
    """Whether the server could not answer."""
    return error.status >= 500


def passing(error: AgnesError) -> bool:
    """Whether `error` says nothing about the report itself: it may be taken later, once the server
    is there, somebody has signed in, or an hour is over."""
    return offline(error) or isinstance(error, NotSignedIn | Forbidden | TooMany)


def post(client: Client, body: bytes) -> Json:
    """Send the very bytes; the server's answer."""
    return client.request(
        "POST", PATH, content=body, headers={"Content-Type": "application/json; charset=utf-8"}
    )


def keep(server: str, body: bytes) -> Path:
    """Put a confirmed report into the queue: on disk, and whole, when this returns."""
    folder = _folder()
    head = json.dumps({"server": server}).encode()
    name = f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{os.urandom(4).hex()}{_ENDING}"
    handle, temporary = tempfile.mkstemp(dir=folder, prefix=".new-")  # for its owner only
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(head + b"\n" + body)
            out.flush()
            os.fsync(out.fileno())
        os.replace(temporary, folder / name)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    _synced(folder)
    return folder / name


def forget(file: Path) -> None:
    """Take a report out of the queue."""
    file.unlink(missing_ok=True)
    _synced(file.parent)


def waiting() -> list[Waiting]:
    """What is in the queue, the oldest first; a file that is none of ours is passed over."""
    return list(_read())


def waiting_note(server: str) -> str:
    """A sentence on what waits, empty for nothing."""
    servers = [each.server for each in waiting()]
    here = servers.count(server)
    if not servers:
        return ""
    others = sorted(set(servers) - {server})
    many = f"{here} {'report waits' if here == 1 else 'reports wait'} to be sent"
    said = f"{many}: agnes report --flush" if here else ""
    if others:
        count = len(servers) - here
        rest = f"{count} {'waits' if count == 1 else 'wait'} for {', '.join(others)}"
        said = f"{said}; {rest}" if said else f"of the reports to be sent {rest}"
    return said


def flush(client: Client) -> Flushed:
    """Send what waits for this server, the oldest first. Raises Conflict while another does so."""
    sent: list[Json] = []
    refused: list[tuple[Path, str]] = []
    with only_one(_folder() / "flush.lock", what="`agnes report --flush`"):
        for each in waiting():
            if each.server != client.server:
                continue
            try:
                sent.append(post(client, each.body))
            except AgnesError as error:
                if passing(error):
                    return Flushed(tuple(sent), tuple(refused), error)
                aside = each.file.with_suffix(_REFUSED)
                os.replace(each.file, aside)
                refused.append((aside, error.message))
            else:
                forget(each.file)
    return Flushed(tuple(sent), tuple(refused), None)


def _read() -> Iterator[Waiting]:
    try:
        folder = _folder()
    except OSError:
        return  # then nothing was ever kept
    for file in sorted(folder.glob(f"*{_ENDING}")):
        try:
            head, _, body = file.read_bytes().partition(b"\n")
            server = json.loads(head)["server"]
        except (OSError, ValueError, KeyError, TypeError):
            continue  # sent meanwhile, or not one of ours
        if isinstance(server, str) and body:
            yield Waiting(file, server, body)


def _folder() -> Path:
    folder = data_folder() / "reports"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def _synced(folder: Path) -> None:
    if os.name == "nt":
        return  # folders cannot be opened there
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
