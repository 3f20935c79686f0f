"""`agnes admin tables …`: what can be questioned once a group was granted it: files on the server,
and tables that are synced from files, addresses and databases."""

from __future__ import annotations

import json
import re
from pathlib import PurePath
from typing import Annotated, Any

import typer

from console.cli import admin_tables_synced
from console.cli.exits import WrongUse
from console.cli.lazy import noun
from console.cli.listing import LimitOption, OffsetOption, SearchOption, show_list
from console.cli.output import (
    Column,
    JsonOption,
    Row,
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
    "Registered tables: files on the server, and what is synced from files, addresses and databases"
    " (`agnes admin sync`). Grant one with `agnes admin grants create GROUP table ID`. Without a"
    " command: list."
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
ScheduleOption = Annotated[
    str | None,
    typer.Option("--schedule", help="When to sync: `every 6h`, or cron in UTC; empty for never."),
]
ModeOption = Annotated[
    str | None, typer.Option("--mode", help="full: all anew; append: what is new is added.")
]
FormatOption = Annotated[
    str | None, typer.Option("--format", help="csv, json, ndjson or parquet; else by the ending.")
]
OptionOption = Annotated[
    list[str] | None,
    typer.Option("--option", metavar="NAME=VALUE", help="How CSV is written; may be repeated."),
]
ConnectionOption = Annotated[
    str | None, typer.Option("--connection", help="One of AGNES_SOURCES, for a table of SQL.")
]
StatementOption = Annotated[
    str | None, typer.Option("--statement", help="A table there, or a SELECT.")
]
CursorOption = Annotated[
    str | None, typer.Option("--cursor", help="The column that grows, for --mode append.")
]
QueryModeOption = Annotated[
    str | None, typer.Option("--query-mode", help="local: synced; remote: read at its source.")
]
LOCATION = "A .csv or .parquet file on the server, inside the folders of AGNES_TABLE_FOLDERS"


def _synced(row: Row) -> str:
    return moment((row.get("synced") or {}).get("synced_at"))


def _state(row: Row) -> str:
    return dash((row.get("last_attempt") or {}).get("status"))


def _bad(row: Row) -> str:
    return "red" if _state(row) == "error" else ""


_PARTS = ("options", "synced", "last_attempt")  # objects

COLUMNS = (
    Column("NAME", field("name"), floor=12),
    Column("SOURCE", field("source_type")),
    Column("BUCKET", field("bucket"), floor=8, drop=4),
    Column("COLUMNS", lambda row: str(len(row["columns"])), right=True),
    Column("LOCATION", lambda row: dash(row["location"] or row.get("statement")), floor=16, drop=2),
    Column("SYNC", _state, style=_bad),
    Column("SYNCED", _synced, drop=5),
    Column("NEXT", time_field("next_due"), drop=6),
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
    location: Annotated[
        str | None,
        typer.Argument(metavar="FILE", help=f"{LOCATION}; a pattern of such; or an address."),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(
            "--source",
            help="local: a file in place; files, url or sql: synced. Else what FILE looks like.",
        ),
    ] = None,
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
    schedule: ScheduleOption = None,
    mode: ModeOption = None,
    format: FormatOption = None,
    option: OptionOption = None,
    connection: ConnectionOption = None,
    statement: StatementOption = None,
    cursor: CursorOption = None,
    query_mode: QueryModeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a file a table, or what is synced from elsewhere: `agnes admin sync` then reads it."""
    from console.client import connect

    source = source or _looks_like(location, connection)
    with connect() as client:
        row = client.tables.create(
            name=_name_of(location) if name is None else name,
            id=id,
            source_type=None if source == "local" else source,
            location=location,
            description=description,
            bucket=bucket,
            meanings=_meanings(meaning),
            options=_options(option),
            **_source(schedule, mode, format, connection, statement, cursor, query_mode),
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
    schedule: ScheduleOption = None,
    mode: ModeOption = None,
    format: FormatOption = None,
    option: OptionOption = None,
    connection: ConnectionOption = None,
    statement: StatementOption = None,
    cursor: CursorOption = None,
    query_mode: QueryModeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Change what is named; the rest stays. An empty text takes a field away."""
    from console.client import connect

    given: dict[str, Any] = {
        "name": name,
        "location": location,
        "description": description,
        "bucket": bucket,
        "meanings": _meanings(meaning),
        "options": _options(option),
        **_source(schedule, mode, format, connection, statement, cursor, query_mode),
    }
    if all(value is None for value in given.values()):
        raise WrongUse(
            "nothing to change",
            detail="give --name, --location, --description, --schedule, --mode or another option",
        )
    with connect() as client:
        row = client.tables.update(table, **given)
    _show(row, as_json=as_json)


@app.command()
def remove(table: TableArgument, as_json: JsonOption = False) -> None:
    """Take a table and its grants away; its source stays as it is."""
    from console.client import connect

    with connect() as client:
        client.tables.delete(table)
    if as_json:
        show_json({"id": table, "removed": True})
    else:
        say(f"removed the table {plain(table)}; its source stays as it is")


app.command("delete", hidden=True)(remove)
app.command()(admin_tables_synced.profile)
app.command()(admin_tables_synced.history)


def _looks_like(location: str | None, connection: str | None) -> str:
    """The kind of source that is meant where none is named."""
    if connection is not None or location is None:
        return "sql"
    if re.match("https?://", location):
        return "url"
    return "files" if re.search(r"[*?\[]|/$", location) else "local"


def _name_of(location: str | None) -> str:
    """Raises WrongUse where the location has none."""
    found = PurePath((location or "").partition("?")[0]).name.partition(".")[0]
    if not found or re.search(r"[*?\[\]{}]", found):
        raise WrongUse("give --name: what the table is called in questions")
    return found


_FIELDS = (
    *("schedule", "sync_mode", "format", "connection", "statement", "cursor_column"),
    "query_mode",
)


def _source(*given: str | None) -> dict[str, str | None]:
    """What was said of a table that syncs, by the API's names."""
    return dict(zip(_FIELDS, given, strict=True))


def _options(given: list[str] | None) -> dict[str, Any] | None:
    """Values are JSON where they can be, else texts."""
    if not given:
        return None
    found: dict[str, Any] = {}
    for text in given:
        name, sign, value = text.partition("=")
        if not (sign and name):
            raise WrongUse(f"--option {text} is not NAME=VALUE")
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return found


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
    facts = {name: value for name, value in row.items() if name not in ("columns", *_PARTS)}
    facts |= {name: json.dumps(row[name]) for name in _PARTS if row.get(name)}
    width = max(len(name) for name in facts)
    for name, value in facts.items():
        if value is not None:
            at = name.endswith(("_at", "_due"))
            shown = moment(value) if at else dash(value)
            say(f"{plain(name):<{width}}  {shown}")
    say()
    show_table(OF_A_TABLE, row["columns"])
    note(f"{len(row['columns'])} columns")
