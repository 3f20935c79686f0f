"""`agnes snapshot`: a part of a table, kept on this machine as a Parquet file to work on.

What may be read and what a condition may hold decides the server; here it is written down, with
what was asked, so that it can be taken again.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from console.cli import answers
from console.cli.exits import WrongUse
from console.cli.exported import size_text
from console.cli.fields import show_fields
from console.cli.lazy import noun
from console.cli.output import (
    Column,
    JsonOption,
    dash,
    field,
    note,
    say,
    show_json,
    show_table,
    time_field,
)
from console.cli.snapshot_folder import FINE, Snapshots, checked, sha256
from console.cli.text import plain
from schema.errors import AgnesError

if TYPE_CHECKING:
    from console.client import Client

app = noun("Parts of tables, kept on this machine.")

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="As in `agnes snapshot list`.")]
FolderOption = Annotated[
    Path | None,
    typer.Option("--dir", metavar="FOLDER", help="Where they lie; default ~/agnes-snapshots."),
]
_ASKED = ("table", "where", "columns", "limit")
_LISTED = (
    Column("NAME", field("name"), floor=12),
    Column("TABLE", field("table"), floor=10, drop=2),
    Column("ROWS", lambda row: dash(row.get("rows")), right=True),
    Column("SIZE", lambda row: size_text(row["bytes"]) if "bytes" in row else "–", right=True),
    Column("TAKEN", time_field("taken_at"), drop=1),
    Column("WHERE", lambda row: dash(row.get("where")), floor=12, drop=3),
    Column("STATUS", field("status"), style=lambda row: "" if row["status"] == FINE else "red"),
)


@app.command("create")
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is to be called.")],
    table: Annotated[str, typer.Option("--table", help="As in `agnes catalog`.")],
    where: Annotated[
        str | None, typer.Option("--where", metavar="CONDITION", help="Only these rows.")
    ] = None,
    columns: Annotated[
        str | None, typer.Option("--columns", metavar="A,B", help="Only these columns.")
    ] = None,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="Rows at most.")] = None,
    estimate: Annotated[
        bool, typer.Option("--estimate", help="Only say how much it would be.")
    ] = False,
    folder: FolderOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take a part of a table: agnes snapshot create march --table orders --where "month = 3".

    It needs the package pyarrow. Without --limit it is whole, or the command fails.
    """
    from console.client import connect
    from console.query_client import estimate as ask

    there = _folder(folder)
    asked = _asked(table, where, columns, limit)
    if not estimate and there.has(checked(name)):
        raise WrongUse(
            f"there is a snapshot {name} already",
            detail=f"agnes snapshot refresh {name} takes it again",
        )
    with connect() as client:
        if estimate:
            _estimated(ask(client, asked), as_json=as_json)
            return
        row = _taken(client, there, name, asked)
    _told(there, row, as_json=as_json)


@app.command("list")
def list_(folder: FolderOption = None, as_json: JsonOption = False) -> None:
    """The snapshots on this machine. It asks no server."""
    there = _folder(folder)
    rows = list(there.every())
    if as_json:
        show_json({"folder": str(there.folder), "snapshots": rows})
    elif rows:
        show_table(_LISTED, rows)
        note(f"{len(rows)} in {there.folder}")
    else:
        say(f"no snapshots in {plain(there.folder)}")


@app.command("show")
def show(name: NameArgument, folder: FolderOption = None, as_json: JsonOption = False) -> None:
    """What one holds, where its file is, and whether it is still the one that was taken."""
    there = _folder(folder)
    row = {**there.read(name), "name": name, "file": str(there.file(name))}
    row["status"] = there.status(row, look=True)
    if as_json:
        show_json(row)
    else:
        show_fields(row)


@app.command("refresh")
def refresh(name: NameArgument, folder: FolderOption = None, as_json: JsonOption = False) -> None:
    """Take it again, as it was asked for; until that is done the old one stays."""
    from console.client import connect

    there = _folder(folder)
    old = there.read(name)
    asked = {key: old[key] for key in _ASKED if old.get(key) is not None}
    with connect() as client:
        if client.server != old["server"]:
            raise WrongUse(
                f"{name} is of {old['server']}, and you ask {client.server}",
                detail=f"AGNES_SERVER={old['server']} agnes snapshot refresh {name}",
            )
        row = _taken(client, there, name, asked)
    _told(there, row, as_json=as_json)


@app.command("delete")
def delete(name: NameArgument, folder: FolderOption = None) -> None:
    """Remove its file from this machine; the table stays as it is."""
    there = _folder(folder)
    there.delete(name)
    say(f"removed {plain(name)} from {plain(there.folder)}")


def _folder(given: Path | None) -> Snapshots:
    return Snapshots((given or Path("~/agnes-snapshots")).expanduser().absolute())


def _asked(table: str, where: str | None, columns: str | None, limit: int | None) -> dict[str, Any]:
    """The body of a scan. Raises WrongUse."""
    names = None if columns is None else [one.strip() for one in columns.split(",")]
    if names is not None and not all(names):
        raise WrongUse(f"--columns {columns}: a name is missing", detail="--columns a,b")
    given = {"table": table, "where": where, "columns": names, "limit": limit}
    return {key: value for key, value in given.items() if value is not None}


def _taken(client: Client, there: Snapshots, name: str, asked: dict[str, Any]) -> dict[str, Any]:
    """Write its file, then its manifest. Raises AgnesError without pyarrow, Cut, NotFound."""
    try:
        import pyarrow.parquet  # noqa: F401 - only whether it is there
    except ModuleNotFoundError as error:
        raise AgnesError(
            f"a snapshot needs the package {error.name}, which is not installed",
            detail="pip install pyarrow",
        ) from error
    from console.cli.arrow import Arrived
    from console.cli.export import to_file
    from console.query_client import scan

    there.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = there.file(name)
    if file.is_dir() or there.manifest(name).is_dir():
        raise WrongUse(f"{file} or its manifest is a folder", detail="choose another name")
    with scan(client, asked) as chunks:
        arrived = Arrived(chunks)
        wanted = asked.get("limit")
        rows = to_file(
            file,
            arrived.as_parquet(),
            lambda: answers.whole(arrived.rows, cut=arrived.truncated, wanted=wanted),
        )
    row = {
        "name": name,
        "server": client.server,
        **{key: asked.get(key) for key in _ASKED},
        "rows": rows,
        "truncated": arrived.truncated,
        "bytes": file.stat().st_size,
        "sha256": sha256(file),
        "schema": arrived.columns,
        "taken_at": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
    }
    there.write(row)
    return row


def _estimated(found: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        show_json(found)
        return
    more = " or more" if found["truncated"] else ""
    say(f"{found['rows']:,} rows{more}, {size_text(found['bytes'])} before it is compressed")


def _told(there: Snapshots, row: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        show_json({**row, "file": str(there.file(row["name"]))})
        return
    count = f"{row['rows']:,} {'row' if row['rows'] == 1 else 'rows'}"
    say(f"{count}, {size_text(row['bytes'])}: {plain(there.file(row['name']))}")
    if row["truncated"]:
        note(answers.CUT)
