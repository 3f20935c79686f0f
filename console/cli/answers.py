"""Answers to questions in SQL, for a terminal and for files."""

from __future__ import annotations

import csv
import io
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from console.cli.exported import say_written
from console.cli.fields import show_fields
from console.cli.output import GAP, Column, Row, note, on_terminal, say, show_table, width
from console.cli.text import json_text, plain
from console.spreadsheet import harmless
from schema.errors import AgnesError

if TYPE_CHECKING:
    from console.client import Json

CUT = "there are more rows: this is the first part"
_FLOOR = 10  # the least width that a text is cut to
_CHUNK = 1000  # rows of CSV that are written at once
# Decimals and very large integers are numbers that JSON has as text.
_NUMBER = re.compile(r"-?\d+(\.\d+)?(E[+-]?\d+)?", re.ASCII)


class Cut(AgnesError):
    """There are more rows than one answer may have, and nobody asked for a part."""

    title = "Not the whole answer"


def whole(rows: int, *, cut: bool, wanted: int | None) -> int:
    """`rows`, where they are all or a part was `wanted`. Raises Cut."""
    if cut and wanted is None:
        raise Cut(
            f"the answer has more rows than the {rows:,} that one may have",
            detail="ask for fewer, or for a part: --limit. Parquet and Arrow hold the most",
        )
    return rows


def show(answer: Json) -> None:
    """The answer as a table; how many rows they are, and of how many, on stderr."""
    rows, count = answer["rows"], answer["row_count"]
    if rows:
        show_table(_columns(answer["columns"], rows), [{"cells": row} for row in rows])
    else:
        say("no rows")
    tables = (answer.get("row_scope") or {}).get("tables") or {}
    scope = "".join(f"{seen(counts)} of {name}" for name, counts in tables.items())
    if answer["truncated"]:
        note(f"the first {_rows(count)}, there are more: --limit, or --format csv{scope}")
    else:
        note(f"{_rows(count)}{scope}")


def seen(counts: Mapping[str, Any]) -> str:
    """How many rows of a table the caller sees, and of how many where they may know."""
    visible, total = counts.get("visible"), counts.get("total")
    of_all = "" if total is None else f" of {total:,}"
    return "" if visible is None else f"; you see {visible:,}{of_all} rows"


def show_records(rows: Sequence[Row]) -> None:
    """Rows with names as a table; a field a line, where the terminal has no room for all."""
    names = list(rows[0])
    cells = [[row.get(name) for name in names] for row in rows]
    columns = _columns(names, cells)
    room = width()
    if room is None or _needed(columns, cells) <= room:
        show_table(columns, [{"cells": row} for row in cells])
        return
    for number, row in enumerate(rows):
        if number:
            say()
        show_fields(dict(row))


def as_csv(answer: Json) -> Iterator[bytes]:
    """Nothing is an empty cell; what a spreadsheet would run is made text."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([harmless(name) for name in answer["columns"]])
    rows = answer["rows"]
    for start in range(0, len(rows) + 1, _CHUNK):
        writer.writerows([_cell(value) for value in row] for row in rows[start : start + _CHUNK])
        yield text.getvalue().encode(errors="backslashreplace")
        text.seek(0)
        text.truncate()


def as_json(answer: Json) -> Iterator[bytes]:
    yield json_text(answer).encode() + b"\n"


def write(chunks: Iterable[bytes], place: Path | None, rows: Callable[[], int]) -> None:
    """Write them to the file, or to standard output, and say how much it was. `rows` counts them
    when all have passed; where it raises there is no new file."""
    from console.cli.export import to_file, to_stdout
    from console.cli.progress import bar

    size = 0
    watched = place is not None or not on_terminal(sys.stdout)
    with bar(None, bytes=True, wanted=watched) as update:

        def passing() -> Iterator[bytes]:
            nonlocal size
            for chunk in chunks:
                size += len(chunk)
                update(size, "answer")
                yield chunk

        if place is None:
            to_stdout(passing())
            count: int | None = rows()
        else:
            count = to_file(place, passing(), rows)
    say_written(count, size, place)


def _columns(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[Column]:
    """Numbers stand right and are never cut; where there is no room the last columns go first."""

    def column(place: int, name: str) -> Column:
        number = all(_is_number(row[place]) for row in rows)
        cell = lambda row: _shown(row["cells"][place])  # noqa: E731 - one of many columns
        return Column(plain(name), cell, floor=0 if number else _FLOOR, drop=place, right=number)

    return [column(place, name) for place, name in enumerate(names)]


def _needed(columns: Sequence[Column], rows: Sequence[Sequence[Any]]) -> int:
    """The width of the table, uncut."""
    from rich.cells import cell_len

    cells = [{"cells": row} for row in rows]
    widths = [
        max(cell_len(text) for text in (column.name, *map(column.text, cells)))
        for column in columns
    ]
    return sum(widths) + GAP * (len(widths) - 1)


def _is_number(value: object) -> bool:
    if isinstance(value, str):
        return _NUMBER.fullmatch(value) is not None
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _shown(value: object) -> str:
    return "–" if value is None else plain(_said(value))


def _cell(value: object) -> str:
    text = "" if value is None else _said(value)
    return text if _is_number(value) else harmless(text)


def _said(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _rows(count: int) -> str:
    return f"{count:,} {'row' if count == 1 else 'rows'}"
