"""`agnes pull`: the synced tables that you may read, as Parquet files in a folder.

What is there already, byte for byte, is not asked again; what broke off goes on where it was. A
file appears whole or not at all, and only once its SHA-256 is the one of the manifest.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer

from console.cli.exits import FAILED, WrongUse
from console.cli.exported import size_text
from console.cli.output import (
    Column,
    JsonOption,
    Row,
    dash,
    field,
    note,
    say,
    show_json,
    show_table,
    time_field,
)
from console.cli.text import plain
from schema.errors import AgnesError, NotFound, shorten

if TYPE_CHECKING:
    from console.cli.progress import Update
    from console.client import Client

TRIES = 3  # for a download that breaks off, as long as more of it comes each time
_PIECE = 1 << 20


class Damaged(AgnesError):
    """What arrived is not the file of the manifest."""

    title = "Damaged download"


COLUMNS = (
    Column("TABLE", field("id"), floor=12),
    Column("ROWS", field("rows"), right=True),
    Column("SIZE", lambda row: size_text(row["bytes"]), right=True, drop=2),
    Column("SYNCED", time_field("synced_at"), drop=1),
    Column("STATUS", field("status"), style=lambda row: "red" if row["error"] else ""),
    Column("ERROR", lambda row: dash(row["error"]), floor=16, drop=3),
)


def pull(
    tables: Annotated[
        list[str] | None, typer.Argument(metavar="TABLE...", help="Ids; else all you may read.")
    ] = None,
    to: Annotated[
        str, typer.Option("--to", metavar="FOLDER", help="Where to; it is made if it is not there.")
    ] = "tables",
    as_json: JsonOption = False,
) -> None:
    """Download the synced tables that you may read; only what changed since the last time."""
    from console.client import connect

    folder = _folder(to)
    done: list[dict[str, Any]] = []
    with connect() as client:
        for row in _wanted(client, tables):
            done.append(_one(client, folder, row, wanted=not as_json))
    failed = sum(1 for row in done if row["error"])
    if as_json:
        show_json({"ok": not failed, "folder": str(folder), "tables": done})
    elif done:
        show_table(COLUMNS, done)
        note(f"{len(done)} tables in {folder}, {failed} failed")
    else:
        say("no table can be downloaded; `agnes catalog` lists those that you may question")
    if failed:
        raise typer.Exit(FAILED)


def _folder(to: str) -> Path:
    folder = Path(to).expanduser()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WrongUse(f"--to {to} cannot be made a folder: {error.strerror}") from None
    return folder


def _wanted(client: Client, tables: Sequence[str] | None) -> list[Row]:
    rows = {row["id"]: row for row in client.request("GET", "/api/sync/manifest")["tables"]}
    if not tables:
        return list(rows.values())
    for id in tables:
        if id not in rows:
            known = ", ".join(list(rows)[:20]) or "none"
            raise NotFound(f"no table {shorten(id)} to download", detail=f"There are: {known}.")
    return [rows[id] for id in dict.fromkeys(tables)]


def _one(client: Client, folder: Path, row: Row, *, wanted: bool) -> dict[str, Any]:
    """Bring one file up to date; what became of it. A failure is told, and the others go on."""
    from console.cli.progress import bar

    path = folder / f"{_file_name(row['id'])}.parquet"
    done = {**row, "file": str(path), "status": "unchanged", "error": None}
    try:
        if digest_of(path) == row["sha256"]:
            return done
        done["status"] = "changed" if path.exists() else "new"
        with bar(row["bytes"], bytes=True, wanted=wanted) as update:
            if _fetched(client, row, path, update):
                done["status"] = "resumed"
    except (AgnesError, OSError) as error:
        said = error.message if isinstance(error, AgnesError) else str(error)
        done |= {"status": "failed", "error": said}
        note(f"{plain(row['id'])}: {plain(said)}")
    return done


def _file_name(id: str) -> str:
    """An id as a name of a file, whatever stands in it."""
    name = quote(id, safe=" ")
    return name if not name.startswith(".") else f"_{name}"


def digest_of(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return None


def _fetched(client: Client, row: Row, path: Path, update: Update) -> bool:
    """Download into a file beside, then put it in its place. Whether it went on from an earlier
    try."""
    from console.client import Unreachable

    part = path.with_name(f".{path.name}.{row['sha256'][:16]}.part")
    for old in path.parent.glob(f".{_plain_glob(path.name)}.*.part"):
        if old != part:  # of a version that is no more
            old.unlink(missing_ok=True)
    resumed = had = _size(part)
    for turn in range(TRIES):
        try:
            _append(client, row, part, update)
            break
        except Unreachable:
            now = _size(part)
            if now <= had or turn == TRIES - 1:
                raise
            had = now
    if digest_of(part) != row["sha256"]:
        part.unlink(missing_ok=True)
        raise Damaged(
            f"{row['id']} is not the file of the manifest; it may have been synced meanwhile",
            detail="try again",
        )
    os.replace(part, path)
    return bool(resumed)


def _append(client: Client, row: Row, part: Path, update: Update) -> None:
    """What is missing of it, added to what is there; all of it, where the server begins anew."""
    from console.client import path_of

    have = _size(part)
    if have == row["bytes"]:
        return
    if have > row["bytes"]:
        part.unlink()
        have = 0
    headers = {}
    if have:
        headers = {"Range": f"bytes={have}-", "If-Range": f'"{row["sha256"]}"'}
    address = path_of("/api/data", row["id"], "download")
    with client.streamed("GET", address, headers=headers) as answer:
        goes_on = "content-range" in answer.headers
        with part.open("ab" if goes_on else "wb") as file:
            for piece in _counted(answer.chunks, have if goes_on else 0, row["id"], update):
                file.write(piece)


def _counted(chunks: Iterator[bytes], done: int, label: str, update: Update) -> Iterator[bytes]:
    for piece in chunks:
        done += len(piece)
        update(done, label)
        yield piece


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _plain_glob(name: str) -> str:
    return name.replace("[", "[[]")
