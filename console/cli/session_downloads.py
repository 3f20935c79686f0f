"""`agnes admin sessions download` and `agnes sessions download`: a transcript byte for byte, or all
of a person's as a zip. A file appears whole or not at all, and none is replaced unasked."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from console.cli.exits import WrongUse
from console.cli.exported import file_of, size_text
from console.cli.listing import user_id
from console.cli.output import note, on_terminal, say
from console.cli.replay import reason_named
from console.cli.session_names import FileArgument, Place, of_anybody, of_mine
from console.cli.session_replays import ReasonOption
from console.cli.text import plain

if TYPE_CHECKING:
    from console.cli.progress import Update
    from console.client import Client, Download

SessionOption = Annotated[
    str | None,
    typer.Argument(metavar="SESSION", help="<user>/<file>, or how the file's name begins."),
]
FileOption = Annotated[
    str | None,
    typer.Option("--output", "-o", metavar="FILE", help="Where to; - is stdout. By its own name."),
]
ForceOption = Annotated[bool, typer.Option("--force", help="Replace a file that is there.")]
_END, _LAST = b"PK\x05\x06", 22  # how a zip without a comment ends, and in how many bytes
_NAME = re.compile(r'filename="([A-Za-z0-9_-][A-Za-z0-9._-]{0,199})"')


def download(
    session: SessionOption = None,
    file: FileArgument = None,
    everything: Annotated[
        bool, typer.Option("--all", help="All sessions of --user, as a zip.")
    ] = False,
    user: Annotated[
        str | None, typer.Option("--user", metavar="USER", help="Whose, with --all: id or e-mail.")
    ] = None,
    output: FileOption = None,
    force: ForceOption = False,
    reason: ReasonOption = None,
) -> None:
    """Save a transcript as it was sent; with --all, all of a person's."""
    from console.client import connect, path_of

    _check_use(session, everything, user, output)
    given = {"reason": reason} if reason else {}
    with connect() as client:
        if user is not None:
            base = path_of("/api/admin/users", user_id(client, user))
            taken = client.stream(f"{base}/sessions/download-all", given)
            _save(taken, None, output, force=force, zipped=True)
        elif session is not None:
            place = of_anybody(client, session, file)
            _save_one(client, place, given, output, force=force)


def download_mine(
    session: Annotated[str, typer.Argument(metavar="SESSION", help="How its file's name begins.")],
    output: FileOption = None,
    force: ForceOption = False,
) -> None:
    """Save one of your transcripts as it was sent."""
    from console.client import connect

    with connect() as client:
        _save_one(client, of_mine(client, session), {}, output, force=force)


def _check_use(session: str | None, everything: bool, user: str | None, output: str | None) -> None:
    if everything != (user is not None):
        raise WrongUse(
            "--all and --user go together", detail="such as --all --user ana@example.org"
        )
    if everything == (session is not None):
        raise WrongUse(
            "name one session, or all of a person",
            detail="download SESSION, or download --all --user USER",
        )
    if everything and output == "-" and on_terminal(sys.stdout):
        raise WrongUse("a zip is not text for a terminal", detail="name a file: --output FILE")


def _save_one(
    client: Client, place: Place, given: dict[str, str], output: str | None, *, force: bool
) -> None:
    taken = client.stream(f"{place.base}/download", given)
    _save(taken, place.file, output, force=force, zipped=False)


def _save(
    taken: AbstractContextManager[Download],
    name: str | None,
    output: str | None,
    *,
    force: bool,
    zipped: bool,
) -> None:
    """Write what is `taken` to `output`, else to a file of its own name here. `name` is that name
    where it is known before anything is asked."""
    if name is not None and output != "-":
        _free(output or name, force=force)
    elif output not in (None, "-"):
        _free(output or "", force=force)
    with reason_named(), taken as arriving:
        if output == "-":
            note(_told(arriving, _to_stdout(arriving, zipped=zipped)))
            return
        target = _free(output or name or _offered(arriving), force=force)
        size = _to_file(arriving, target, zipped=zipped)
    say(f"{_told(arriving, size)}: {plain(target)}")


def _free(output: str, *, force: bool) -> Path:
    """The file to write. Raises WrongUse where there is one already, or none can be."""
    target = file_of(output)
    if target.is_file() and not force:
        raise WrongUse(
            f"{output} exists already", detail="--force replaces it, --output names another"
        )
    return target


def _offered(arriving: Download) -> str:
    """The name that the server gives it, if it is one and nothing else."""
    found = _NAME.search(arriving.headers.get("content-disposition", ""))
    return found[1] if found else "sessions.zip"


def _told(arriving: Download, size: int) -> str:
    files, missing = (arriving.headers.get(f"x-{what}-count") for what in ("file", "missing"))
    told = size_text(size)
    if files:
        told = f"{plain(files)} files, {told}"
    return told + (
        f", {plain(missing)} are gone from the server" if missing not in (None, "0") else ""
    )


def _to_file(arriving: Download, target: Path, *, zipped: bool) -> int:
    from console.cli.export import to_file
    from console.cli.progress import bar

    counted = _Counted(arriving, zipped=zipped)
    with bar(counted.announced, bytes=True) as update:
        to_file(target, counted.pieces(update), counted.check)
    return counted.bytes


def _to_stdout(arriving: Download, *, zipped: bool) -> int:
    from console.cli.export import to_stdout

    counted = _Counted(arriving, zipped=zipped)
    to_stdout(counted.pieces(lambda done, label: None))
    counted.check()
    return counted.bytes


class _Counted:
    """The bytes of a download, counted as they pass and compared with what was announced."""

    def __init__(self, arriving: Download, *, zipped: bool) -> None:
        self.bytes = 0
        self._end = b""
        self._zipped = zipped
        self._chunks = arriving.chunks
        length = arriving.headers.get("content-length", "")
        packed = arriving.headers.get("content-encoding")
        self.announced = int(length) if length.isdecimal() and not packed else None

    def pieces(self, update: Update) -> Iterator[bytes]:
        for chunk in self._chunks:
            self.bytes += len(chunk)
            self._end = (self._end + chunk[-_LAST:])[-_LAST:]
            update(self.bytes, "download")
            yield chunk

    def check(self) -> None:
        """Raises IncompleteExport."""
        from console.cli.export import IncompleteExport

        if self.announced is not None and self.announced != self.bytes:
            raise IncompleteExport(
                f"the server announced {self.announced:,} bytes and {self.bytes:,} arrived",
                detail="try again",
            )
        if self._zipped and not self._end.startswith(_END):
            raise IncompleteExport("what arrived is not a whole zip", detail="try again")
