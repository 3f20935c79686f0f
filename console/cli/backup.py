"""`agnes backup` and `agnes restore`.

A running console is asked to take its own backup; with `--data-dir`, where none runs, the terminal
takes it. Restoring always happens without a server.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from console.cli.exits import WrongUse
from console.cli.output import Column, JsonOption, field, note, say, show_json, time_field
from console.cli.text import plain

if TYPE_CHECKING:
    from console.client import Client

PATH = "/api/admin/backups"
_PATIENCE = 24 * 3600.0  # seconds: a large instance takes as long as its disk does


def _size(row: Any) -> str:
    return f"{row['bytes'] / (1 << 20):,.1f} MiB"


SHELF = (
    Column("BACKUP", field("name")),
    Column("MADE", time_field("made_at"), drop=1),
    Column("SIZE", _size, right=True),
)


def backup(
    to: Annotated[
        Path | None,
        typer.Option("--to", help="Also save it here: a folder, or the name of a file."),
    ] = None,
    keep: Annotated[
        int | None,
        typer.Option("--keep", min=1, max=1000, help="Backups kept; default AGNES_BACKUPS_KEPT."),
    ] = None,
    listed: Annotated[bool, typer.Option("--list", help="Say which there are; take none.")] = False,
    verify: Annotated[
        Path | None, typer.Option("--verify", help="Look at every byte of this one; take none.")
    ] = None,
    data_dir: Annotated[
        Path | None,
        typer.Option("--data-dir", help="Take it of this folder, on which no server runs."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Take a backup of everything, while the console runs.

    It holds secrets (who has it can sign in as anybody) and is for its owner only.
    """
    _umask()
    if sum((listed, verify is not None, data_dir is not None)) > 1:
        raise WrongUse("give one of --list, --verify and --data-dir")
    if verify is not None:
        _verified(verify, as_json=as_json)
    elif listed:
        _listed(as_json=as_json)
    else:
        taken = _offline(data_dir, to, keep) if data_dir else _asked(to, keep)
        _told(taken, as_json=as_json)


def restore(
    backup: Annotated[Path, typer.Argument(metavar="BACKUP", help="Its file.")],
    data_dir: Annotated[
        Path, typer.Option("--data-dir", help="The folder to make; no server may run on it.")
    ],
    force: Annotated[
        bool, typer.Option("--force", help="Move aside what is in that folder.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Make a data folder out of a backup, once every byte of it was looked at."""
    from console.backups.restoring import restore as make

    _umask()
    made = make(backup.expanduser(), _absolute(data_dir), force=force, say=note)
    if as_json:
        show_json(made.as_dict())
        return
    say(f"restored {made.rows:,} rows and {made.files:,} files to {plain(made.folder)}")
    if made.aside:
        say(f"what was there is in {plain(made.aside)}")
    say(f"start it: {_unset()}agnes serve --data-dir {plain(made.folder)}")


def _unset() -> str:
    """What stands before a command that is to open the database in its data folder."""
    if not os.environ.get("AGNES_ENGINE"):
        return ""
    note("AGNES_ENGINE names another database: what was restored is agnes.duckdb in that folder")
    return "AGNES_ENGINE= "


def _asked(to: Path | None, keep: int | None) -> dict[str, Any]:
    """The running console takes it; a copy comes here where `to` says so."""
    from console.client import connect

    target = _target(to)
    with connect(timeout=_PATIENCE) as client:
        taken = client.request("POST", PATH, json={} if keep is None else {"keep": keep})
        if target is not None:
            place = target / taken["name"] if target.is_dir() else target
            taken["saved"] = str(_fetched(client, taken["name"], place))
    return taken


def _fetched(client: Client, name: str, place: Path) -> Path:
    """Save a backup, and look at all of it once it is here."""
    from console.backups.archive import manifest_of
    from console.cli.export import to_file

    with client.stream(f"{PATH}/{name}", {}) as arriving:

        def pieces() -> Iterator[bytes]:
            yield from arriving.chunks

        to_file(place, pieces(), lambda: None)
    manifest_of(place)
    return place


def _offline(data_dir: Path, to: Path | None, keep: int | None) -> dict[str, Any]:
    from console.audit import Caller, entry
    from console.backups import shelf, taking
    from console.settings import Settings
    from schema.errors import NotFound
    from schema.store import Store

    settings = Settings(AGNES_DATA_DIR=str(_absolute(data_dir)))
    if not settings.database.exists():
        raise NotFound(f"no database at {settings.database}")
    target = _target(to)
    if target is not None and not target.is_dir():
        raise WrongUse("--to names a folder where --data-dir is given")
    place = target or shelf.folder(settings)
    store = Store(settings.database, say=note)
    try:
        taken = taking.take(store, settings.folder, place)
        params = {"name": taken.path.name, "bytes": taken.bytes, "files": taken.files}
        row = entry(Caller(), "backup.create", resource=f"backup:{taken.path.name}", params=params)
        store.write(row).result()
    finally:
        store.close()
    removed = shelf.thin(place, keep or settings.backups_kept)
    made_at = f"{taken.made_at.isoformat()}Z"
    return {**taken.as_dict(), "made_at": made_at, "folder": str(place), "removed": removed}


def _listed(*, as_json: bool) -> None:
    from console.cli.listing import show_list
    from console.client import connect

    with connect() as client:
        answer = client.request("GET", PATH, params={"limit": 1000})
    show_list("backups", SHELF, answer, as_json=as_json)
    if not as_json:
        note(f"in {answer['folder']}, the newest {answer['kept']} are kept")


def _verified(path: Path, *, as_json: bool) -> None:
    from console.backups.archive import manifest_of

    manifest = manifest_of(path.expanduser())
    told = {name: manifest[name] for name in ("made_at", "version", "rows", "missing")}
    if as_json:
        show_json({**told, "files": len(manifest["files"])})
        return
    rows = sum(manifest["rows"].values())
    say(f"whole: {rows:,} rows and {len(manifest['files']):,} files of {plain(told['made_at'])}")


def _told(taken: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        show_json(taken)
        return
    where = taken.get("saved") or f"{taken['folder']}/{taken['name']}"
    say(f"{taken['rows']:,} rows and {taken['files']:,} files, {_size(taken)}: {plain(where)}")
    if taken["missing"]:
        note(f"{len(taken['missing'])} transcripts were not in their place, and are not in it")
    if taken["removed"]:
        note(f"deleted: {', '.join(taken['removed'])}")


def _target(to: Path | None) -> Path | None:
    """Raises WrongUse where nothing can be saved, before anything is taken."""
    if to is None:
        return None
    place = to.expanduser()
    if place.is_file():
        raise WrongUse(f"{to} exists already", detail="--to names a folder, or a new file")
    if not place.is_dir() and not place.parent.is_dir():
        raise WrongUse(f"--to {to}: there is no folder {place.parent}")
    return place


def _absolute(path: Path) -> Path:
    return path.expanduser().absolute()


def _umask() -> None:
    import os

    os.umask(0o077)  # whatever these commands make is for this user only
