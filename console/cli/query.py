"""`agnes query`: a question in SQL, and its answer as a table or a file. The server decides what
may be asked and whose rows they are; this reads the question and writes the answer."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from console.cli import answers
from console.cli.exits import WrongUse
from console.cli.exported import file_of
from console.cli.output import JsonOption, note, on_terminal, show_json
from schema.errors import AgnesError

if TYPE_CHECKING:
    from console.client import Client

_TABLE_ROWS = 1000  # of a table, where no --limit is given


class Format(StrEnum):
    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"
    ARROW = "arrow"


_BINARY = (Format.PARQUET, Format.ARROW)
_ENDINGS = {f".{format}": format for format in Format if format != Format.TABLE}


def query(
    sql: Annotated[
        str | None,
        typer.Argument(metavar="SQL", help="The question; - or nothing: standard input."),
    ] = None,
    file: Annotated[
        str | None, typer.Option("--file", "-f", metavar="FILE", help="Read the question from it.")
    ] = None,
    format: Annotated[
        Format | None, typer.Option("--format", help="By default as --out ends, else a table.")
    ] = None,
    out: Annotated[
        str,
        typer.Option("--out", "--output", "-o", metavar="FILE", help="Where to; - is stdout."),
    ] = "-",
    limit: Annotated[
        int | None,
        typer.Option("--limit", min=1, help="Rows at most; by default 1000 of a table, else all."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Ask in SQL: agnes query "SELECT tool_name, count(*) FROM agnes_telemetry GROUP BY ALL".

    Everybody sees their own rows, admins all of them: `agnes catalog` lists the tables, `agnes
    explain-access TABLE` says why these rows.

    CSV and JSON hold up to 100,000 rows; Parquet and Arrow 5,000,000, and need the package pyarrow.
    Arrow is a file with --out, and a stream into a pipe. Without --limit, an answer in CSV, Parquet
    or Arrow is whole, or the command fails; one in JSON says `truncated`.
    """
    shape = _shape(format, out, as_json=as_json)
    place = None if out == "-" else file_of(out, option="--out")
    if shape in _BINARY and place is None and on_terminal(sys.stdout):
        raise WrongUse(f"{shape} is not text for a terminal", detail="name a file: --out FILE")
    text = _question(sql, file)
    from console.client import connect

    with connect() as client:
        if shape in _BINARY:
            _stream(client, text, shape, place, limit)
        else:
            _ask(client, text, shape, place, limit)


def _shape(format: Format | None, out: str, *, as_json: bool) -> Format:
    """What the answer becomes. Raises WrongUse."""
    if as_json:
        if format not in (None, Format.JSON):
            raise WrongUse(f"--json and --format {format} are two formats", detail="give one")
        return Format.JSON
    if out == "-":
        return format or Format.TABLE
    found = format or _ENDINGS.get(Path(out).suffix.lower())
    if found in (None, Format.TABLE):
        raise WrongUse(
            f"--out {out}: in which format?", detail="give --format csv, json, parquet or arrow"
        )
    return found


def _question(sql: str | None, file: str | None) -> str:
    """The text to ask. Raises WrongUse, OSError."""
    if sql is not None and file is not None:
        raise WrongUse("a question and --file are two questions", detail="give one")
    if "-" in (sql, file) or (sql is None and file is None):
        if sql is None and file is None and on_terminal(sys.stdin):
            raise WrongUse(
                "no question", detail='agnes query "SELECT …", --file FILE, or pipe it in'
            )
        return _decoded(sys.stdin.buffer.read(), "standard input")
    if file is not None:
        return _decoded(Path(file).expanduser().read_bytes(), file)
    # A terminal's other bytes come as halves of surrogate pairs.
    return _decoded((sql or "").encode(errors="surrogateescape"), "the question")


def _decoded(content: bytes, source: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise WrongUse(f"{source} is not text in UTF-8") from None


def _ask(client: Client, sql: str, shape: Format, place: Path | None, limit: int | None) -> None:
    from console.query_client import MOST_ROWS, ask

    most = limit or (_TABLE_ROWS if shape == Format.TABLE else MOST_ROWS)
    answer = ask(client, sql, most)
    if shape == Format.TABLE:
        answers.show(answer)
        return
    cut = answer["truncated"]
    if shape == Format.CSV:
        rows = answers.whole(answer["row_count"], cut=cut, wanted=limit)
        answers.write(answers.as_csv(answer), place, lambda: rows)
    elif place is None:
        show_json(answer)
    else:
        answers.write(answers.as_json(answer), place, lambda: answer["row_count"])
    if cut:
        note(answers.CUT)


def _stream(client: Client, sql: str, shape: Format, place: Path | None, limit: int | None) -> None:
    try:
        import pyarrow.parquet  # noqa: F401 - only whether it is there
    except ModuleNotFoundError as error:
        raise AgnesError(
            f"{shape} needs the package {error.name}, which is not installed",
            detail="pip install pyarrow, or ask for table, csv or json",
        ) from error
    from console.cli.arrow import Arrived
    from console.query_client import MOST_ROWS_ARROW, stream

    with stream(client, sql, limit or MOST_ROWS_ARROW) as chunks:
        arrived = Arrived(chunks)
        pieces = (
            arrived.as_parquet()
            if shape == Format.PARQUET
            else arrived.as_arrow(file=place is not None)
        )
        answers.write(
            pieces,
            place,
            lambda: answers.whole(arrived.rows, cut=arrived.truncated, wanted=limit),
        )
    if arrived.truncated:
        note(answers.CUT)
