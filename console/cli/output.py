"""What commands print: a table for people, JSON for programs, notes beside them on stderr.

Colours only on a terminal and without NO_COLOR; on a pipe the same text, uncut. Every cell goes
through `plain`, so that a row cannot speak to the terminal.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import IO, Annotated, Any

import typer

from console.cli.text import json_text, plain

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]

Row = Mapping[str, Any]
GAP = 2
WIDEST = 300  # cells of a column at most, where no terminal sets a limit


@dataclass(frozen=True)
class Column:
    """One column: its heading, its text, and what it may lose on a narrow terminal.

    `floor` is the least width it can be cut to, 0 for never cut. `drop` orders which column goes
    first when even that does not fit: the highest first, 0 never.
    """

    name: str
    text: Callable[[Row], str]
    floor: int = 0
    drop: int = 0
    right: bool = False
    style: Callable[[Row], str] | None = None


def on_terminal(stream: IO[Any] | None) -> bool:
    """Whether a person sees `stream`, or types into it. A closed one is None in Python."""
    return stream is not None and bool(stream.isatty())


def in_colour() -> bool:
    dumb = os.environ.get("TERM") == "dumb"
    return on_terminal(sys.stdout) and not os.environ.get("NO_COLOR") and not dumb


def say(text: str = "") -> None:
    """Print `text` as it is; what others wrote must have gone through `plain`."""
    typer.echo(text)


def show_json(value: Any) -> None:
    say(json_text(value))


def note(text: str) -> None:
    """A remark for a person, on stderr so that it never mixes with the data."""
    typer.echo(plain(text), err=True)


def field(name: str) -> Callable[[Row], str]:
    """The text of a row's field; nothing and missing are an en dash."""
    return lambda row: dash(row.get(name))


def dash(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "–" if value is None or value == "" else plain(value)


def moment(value: object) -> str:
    """A time of the server as `2026-01-31 09:05:00Z`; what is not a time as it is."""
    try:
        when = datetime.fromisoformat(str(value))
    except ValueError:
        return dash(value)
    # The server speaks UTC; a time without zone is UTC too.
    when = when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
    return f"{when:%Y-%m-%d %H:%M:%S}Z"


def time_field(name: str) -> Callable[[Row], str]:
    return lambda row: moment(row.get(name))


def show_table(columns: Sequence[Column], rows: Sequence[Row]) -> None:
    """Print `rows` under their headings, as wide as the terminal and no wider."""
    from rich.cells import cell_len
    from rich.console import Console
    from rich.text import Text

    cells = [[column.text(row) for column in columns] for row in rows]
    natural = [
        min(WIDEST, max(cell_len(text) for text in [column.name, *texts]))
        for column, texts in zip(columns, _columns_of(cells, len(columns)), strict=True)
    ]
    widths = fitted(columns, natural, width())
    console = Console(
        color_system="auto" if in_colour() else None, highlight=False, markup=False, emoji=False
    )

    def line(texts: Sequence[str], styles: Sequence[str]) -> Text:
        parts = []
        for column, text, style, width in zip(columns, texts, styles, widths, strict=True):
            if width is not None:
                part = Text(text, style=style)
                part.truncate(width, overflow="ellipsis")
                part.align("right" if column.right else "left", width)
                parts.append(part)
        joined = Text(" " * GAP).join(parts)
        joined.rstrip()
        return joined

    console.print(
        line([column.name for column in columns], ["bold"] * len(columns)), soft_wrap=True
    )
    for row, texts in zip(rows, cells, strict=True):
        styles = [column.style(row) if column.style else "" for column in columns]
        console.print(line(texts, styles), soft_wrap=True)
    left_out = [column.name for column, width in zip(columns, widths, strict=True) if width is None]
    if left_out:
        note(f"no room for {', '.join(left_out)}: widen the terminal, or use --json")


def fitted(
    columns: Sequence[Column], natural: Sequence[int], width: int | None
) -> list[int | None]:
    """The width of each column so that a line fits in `width`; None for a column left out."""
    widths: list[int | None] = list(natural)
    if width is None:
        return widths
    for index in sorted(range(len(columns)), key=lambda at: -columns[at].drop):
        least = [_least(column, have) for column, have in zip(columns, widths, strict=True)]
        if _total(least) <= width or columns[index].drop == 0:
            break
        widths[index] = None
    while (over := _total(widths) - width) > 0:
        spare = [
            have - column.floor if have is not None and column.floor else 0
            for column, have in zip(columns, widths, strict=True)
        ]
        widest = max(range(len(spare)), key=lambda at: spare[at])
        if spare[widest] <= 0:
            break
        now = widths[widest] or 0
        # By halves, so that two long columns share the loss.
        widths[widest] = now - min(over, max(1, spare[widest] // 2))
    return widths


def _least(column: Column, have: int | None) -> int | None:
    return have if have is None or not column.floor else min(have, column.floor)


def _total(widths: Sequence[int | None]) -> int:
    shown = [width for width in widths if width is not None]
    return sum(shown) + GAP * max(0, len(shown) - 1)


def _columns_of(cells: Sequence[Sequence[str]], count: int) -> list[list[str]]:
    return [[texts[index] for texts in cells] for index in range(count)]


def width() -> int | None:
    """Columns of the terminal that shows standard output, None for a pipe or a file."""
    return shutil.get_terminal_size().columns if on_terminal(sys.stdout) else None
