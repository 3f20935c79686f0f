"""An export as a command: its options, where it goes, and what is said of it afterwards."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from console.cli.exits import WrongUse
from console.cli.output import note, on_terminal, say
from console.cli.text import plain

if TYPE_CHECKING:
    from console.client import Download


class Format(StrEnum):
    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"


FormatOption = Annotated[Format, typer.Option("--format", help="Shape of the file.")]
OutputOption = Annotated[
    str, typer.Option("--output", "--out", "-o", metavar="FILE", help="Where to; - is stdout.")
]


def place_of(output: str, format: Format) -> Path | None:
    """The file to write, None for standard output. Raises WrongUse."""
    if output != "-":
        return file_of(output)
    if format == Format.PARQUET and on_terminal(sys.stdout):
        raise WrongUse("Parquet is not text for a terminal", detail="name a file: --output FILE")
    return None


def file_of(output: str, *, option: str = "--output") -> Path:
    """The file that `output` names. Raises WrongUse where none can be."""
    file = Path(output).expanduser()
    if file.is_dir() or not file.parent.is_dir():
        what = "is a folder" if file.is_dir() else "lies in a folder that does not exist"
        raise WrongUse(f"{option} {output} {what}", detail="name a file in a folder that exists")
    return file


def write_export(download: Download, format: Format, place: Path | None) -> None:
    """Write it, and say how much it was."""
    rows, size = _written(download, format, place)
    say_written(rows, size, place)


def say_written(rows: int | None, size: int, place: Path | None) -> None:
    """How many rows and bytes went to a file; of standard output on stderr."""
    count = "rows" if rows is None else f"{rows:,} {'row' if rows == 1 else 'rows'}"
    told = f"{count}, {size_text(size)}"
    if place is None:
        note(told)
    else:
        say(f"{told}: {plain(place)}")


def size_text(size: int) -> str:
    return f"{size / 1e6:,.1f} MB" if size >= 1e5 else f"{size:,} bytes"


def _written(download: Download, format: Format, file: Path | None) -> tuple[int | None, int]:
    """Rows and bytes, once `download` stands in `file` or has gone to standard output."""
    from console.cli.export import Counter, counted, to_file, to_stdout
    from console.cli.progress import bar

    counter = Counter(format)
    binary = format == Format.PARQUET
    watched = file is not None or not on_terminal(sys.stdout)
    with bar(None if binary else download.rows, bytes=binary, wanted=watched) as update:
        chunks = counted(download.chunks, counter, lambda done: update(done, "export"))
        if file is None:
            to_stdout(chunks)
            rows = counter.check(download.rows)
        else:
            rows = to_file(file, chunks, lambda: counter.check(download.rows))
    return rows, counter.bytes
