"""`agnes admin tables …`: files that can be questioned, once a group was granted them."""

from __future__ import annotations

from pathlib import PurePath
from typing import Annotated, Any

import typer

from console.cli.exits import WrongUse
from console.cli.lazy import noun
from console.cli.listing import LimitOption, OffsetOption, SearchOption, show_list
from console.cli.output import (
    Column,
    JsonOption,
    dash,
    field,
    moment,
    note,
    say,
    show_json,
    show_table,
    time_field,
)
from console.cli.text import plain

app = noun(
    "Registered tables: CSV and Parquet files on the server. Grant one with `agnes admin grants"
    " create GROUP table ID`. Without a command: list."
)

TableArgument = Annotated[str, typer.Argument(metavar="ID", help="The table's id.")]
DescriptionOption = Annotated[
    str | None, typer.Option("--description", help="What the table holds.")
]
BucketOption = Annotated[
    str | None, typer.Option("--bucket", help="The heading it stands under in the catalog.")
]
MeaningOption = Annotated[
    list[str] | None,
    typer.Option("--meaning", metavar="COLUMN=TEXT", help="What a column means; may be repeated."),
]
LOCATION = "A .csv or .parquet file on the server, inside the folders of AGNES_TABLE_FOLDERS"

COLUMNS = (
    Column("NAME", field("name"), floor=12),
    Column("SOURCE", field("source_type")),
    Column("BUCKET", field("bucket"), floor=8, drop=4),
    Column("COLUMNS", lambda row: str(len(row["columns"])), right=True),
    Column("LOCATION", field("location"), floor=16, drop=2),
    Column("CREATED", time_field("created_at"), drop=3),
    Column("ID", field("id"), drop=1),
)
OF_A_TABLE = (
    Column("COLUMN", field("name"), floor=12),
    Column("TYPE", field("type"), floor=8),
    Column("MEANING", field("meaning"), floor=12),
)


@app.command("list")
def list_tables(
    search: SearchOption = None,
    source: Annotated[
        str | None, typer.Option("--source", help="Only this kind of source, such as local.")
    ] = None,
    limit: LimitOption = None,
    offset: OffsetOption = 0,
    as_json: JsonOption = False,
) -> None:
    """All registered tables."""
    from console.client import connect

    with connect() as client:
        answer = client.tables.list(limit=limit, offset=offset, q=search, source_type=source)
    show_list("tables", COLUMNS, answer, as_json=as_json)


@app.command()
def show(table: TableArgument, as_json: JsonOption = False) -> None:
    """One table and its columns."""
    from console.client import connect

    with connect() as client:
        row = client.tables.show(table)
    _show(row, as_json=as_json)


@app.command()
def register(
    location: Annotated[str, typer.Argument(metavar="FILE", help=f"{LOCATION}.")],
    name: Annotated[
        str | None,
        typer.Option("--name", help="What it is called in questions; else as the file is."),
    ] = None,
    id: Annotated[
        str | None, typer.Option("--id", help="What grants call it; else the name.")
    ] = None,
    description: DescriptionOption = None,
    bucket: BucketOption = None,
    meaning: MeaningOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a file a table."""
    from console.client import connect

    with connect() as client:
        row = client.tables.create(
            name=PurePath(location).stem if name is None else name,
            id=id,
            location=location,
            description=description,
            bucket=bucket,
            meanings=_meanings(meaning),
        )
    _show(row, as_json=as_json)


@app.command()
def change(
    table: TableArgument,
    name: Annotated[str | None, typer.Option("--name", help="The new name.")] = None,
    location: Annotated[
        str | None,
        typer.Option("--location", help=f"{LOCATION}; its columns are read anew."),
    ] = None,
    description: DescriptionOption = None,
    bucket: BucketOption = None,
    meaning: MeaningOption = None,
    as_json: JsonOption = False,
) -> None:
    """Change what is named; the rest stays."""
    from console.client import connect

    given: dict[str, Any] = {
        "name": name,
        "location": location,
        "description": description,
        "bucket": bucket,
        "meanings": _meanings(meaning),
    }
    if all(value is None for value in given.values()):
        raise WrongUse(
            "nothing to change",
            detail="give --name, --location, --description, --bucket or --meaning",
        )
    with connect() as client:
        row = client.tables.update(table, **given)
    _show(row, as_json=as_json)


@app.command()
def remove(table: TableArgument, as_json: JsonOption = False) -> None:
    """Take a table and its grants away; the file stays."""
    from console.client import connect

    with connect() as client:
        client.tables.delete(table)
    if as_json:
        show_json({"id": table, "removed": True})
    else:
        say(f"removed the table {plain(table)}; its file stays")


def _meanings(given: list[str] | None) -> dict[str, str] | None:
    if not given:
        return None
    found: dict[str, str] = {}
    for text in given:
        column, sign, meaning = text.partition("=")
        if not (sign and column):
            raise WrongUse(f"--meaning {text} is not COLUMN=TEXT")
        found[column] = meaning
    return found


def _show(row: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        show_json(row)
        return
    facts = {name: value for name, value in row.items() if name != "columns"}
    width = max(len(name) for name in facts)
    for name, value in facts.items():
        if value is not None:
            shown = moment(value) if name.endswith("_at") else dash(value)
            say(f"{plain(name):<{width}}  {shown}")
    say()
    show_table(OF_A_TABLE, row["columns"])
    note(f"{len(row['columns'])} columns")
