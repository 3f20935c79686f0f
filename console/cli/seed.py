"""`agnes seed`: fill a data folder with made-up data, to show, try or measure a console.

It opens the data file itself, so no server may hold it. What is in the file stays.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from console.cli.output import JsonOption, on_terminal, show_json
from console.cli.text import plain
from console.cli.window import utc

if TYPE_CHECKING:
    from ingest.seed import Seeded

# DuckDB's own share; the rest is what the rows need while they are made.
MEMORY = "200MB"
ReportsOption = Annotated[
    int | None,
    typer.Option(
        "--reports",
        help="Reports of people, over 60 days; default one for 100 audit rows, at most 60.",
    ),
]
UntilOption = Annotated[
    str | None,
    typer.Option("--until", metavar="TIME", help="End of the 30 days; default now, in UTC."),
]


def seed(
    audit_rows: Annotated[int, typer.Option("--audit-rows", help="Rows of the audit log.")] = 0,
    sessions: Annotated[
        int, typer.Option("--sessions", help="Sessions, each with a small transcript.")
    ] = 0,
    usage_events: Annotated[
        int, typer.Option("--usage-events", help="Tool calls and commands in those sessions.")
    ] = 0,
    users: Annotated[int, typer.Option("--users", help="People to add.")] = 0,
    reports: ReportsOption = None,
    seed: Annotated[int, typer.Option("--seed", help="Same seed and --until, same rows.")] = 1,
    until: UntilOption = None,
    data_dir: Annotated[
        Path | None, typer.Option("--data-dir", help="The data folder; default AGNES_DATA_DIR.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Fill the console with 30 days of made-up data.

    Needs the data file for itself: stop the server first. Users, rows and transcripts that are
    there stay. In an empty folder the first user is an admin without a password; `agnes serve`
    prints a link to sign in.
    """
    from console.settings import Settings
    from ingest.seed import Wanted, naive
    from ingest.seed import seed as sow
    from schema.store import Store

    end = naive(_moment(until) if until else None)
    counts: dict[str, Any] = {
        "audit_rows": audit_rows,
        "sessions": sessions,
        "usage_events": usage_events,
        "users": users,
    }
    Wanted(**counts, seed=seed, until=end, reports=reports or 0)  # before a file is made
    chosen: dict[str, Any] = {"reports": reports, "seed": seed, "until": end}
    settings = Settings(AGNES_DATA_DIR=str(data_dir or ""))
    with _private(), _progress() as say:
        store = Store(settings.database, memory_limit=MEMORY, say=say)
        try:
            done = sow(store, settings.folder, **counts, **chosen, say=say)
        finally:
            store.close()
    if as_json:
        show_json(_answer(done, settings.folder))
    else:
        typer.echo(_summary(done, settings.folder))


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(utc(text, option="--until"))


def _answer(done: Seeded, folder: Path) -> dict[str, Any]:
    return {
        "data_dir": str(folder),
        "seed": done.seed,
        "until": done.until.isoformat() + "Z",
        "counts": dict(done.counts),
        "transcripts": done.transcripts,
        "admins": list(done.admins),
    }


def _summary(done: Seeded, folder: Path) -> str:
    made = {
        "audit rows": done.counts.get("audit_log", 0),
        "sessions": done.counts.get("usage_session_summary", 0),
        "usage events": done.counts.get("usage_events", 0),
        "users": done.counts.get("users", 0),
        "reports": done.counts.get("feedback_reports", 0),
    }
    counted = ", ".join(f"{count:,} {name}" for name, count in made.items())
    return plain(f"seeded {counted} into {folder}, up to {done.until:%Y-%m-%d %H:%M}Z")


@contextmanager
def _private() -> Iterator[None]:
    """Nobody else can read the files made in the block."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


@contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    """Tells a person who watches how far it is; silent on a pipe."""
    if not on_terminal(sys.stderr):
        yield lambda text: None
        return
    from rich.console import Console
    from rich.text import Text

    with Console(stderr=True, highlight=False).status("seeding …") as status:
        yield lambda text: status.update(Text(plain(text)))
