"""Progress on stderr, and only where a person watches it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from console.cli.output import on_terminal
from console.cli.text import plain

Update = Callable[[int, str], None]


@contextmanager
def bar(total: int | None, *, bytes: bool, wanted: bool = True) -> Iterator[Update]:
    """A bar for the block; call what it gives with (done, label). Without a terminal it is silent.

    `total` is in bytes or rows, None where nobody knows it.
    """
    if not (wanted and on_terminal(sys.stderr)):
        yield lambda done, label: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn

    label_column = TextColumn("{task.description}", markup=False)
    counts = DownloadColumn() if bytes else MofNCompleteColumn()
    screen = Console(stderr=True, highlight=False)
    with Progress(label_column, BarColumn(), counts, console=screen, transient=True) as shown:
        task = shown.add_task("", total=total)

        def update(done: int, label: str) -> None:
            shown.update(task, completed=done, description=plain(label))

        yield update
