"""`agnes admin activity …`: the audit log in a terminal. It asks and prints; the server filters."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from console.cli import admin_changes, admin_insights, admin_syncs
from console.cli.events import Source, events
from console.cli.exits import FAILED
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
from console.cli.text import plain
from console.cli.window import lower_bound

app = events(
    "The audit log. Without a command: list, with the options of `list --help`.",
    Source("admin activity", lambda client: client.activity),
)

WORDS = {"green": "ok", "yellow": "warn", "red": "ALERT"}
COLOURS = ("green", "yellow", "red")


class Level(StrEnum):
    YELLOW = "yellow"
    RED = "red"


SYNCS = (
    Column("TABLE", field("table_id"), floor=12),
    Column("SYNCED AT", time_field("synced_at")),
    Column("ROWS", field("rows"), right=True),
    Column("MS", field("duration_ms"), drop=2, right=True),
    Column("STATUS", field("status"), floor=6),
    Column("ERROR", field("error"), floor=12, drop=1),
)
PULSE = (
    Column("METRIC", field("key")),
    Column("VALUE", field("value"), floor=12),
    Column(
        "STATUS",
        lambda row: WORDS.get(str(row.get("color")), dash(row.get("color"))),
        style=lambda row: str(row.get("color")) if row.get("color") in COLOURS else "",
    ),
)


@app.command()
def health(
    fail_on: Annotated[
        Level | None,
        typer.Option("--fail-on", help="Exit 1 when the status is this or worse; else always 0."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """The pulse of the instance: one sentence and its measures."""
    from console.client import connect

    with connect() as client:
        pulse = client.activity.health()
    status = pulse["status"]
    if as_json:
        show_json(pulse)
    else:
        say(f"{WORDS.get(status, plain(status))}: {plain(pulse['sentence'])}\n")
        show_table(PULSE, pulse["fields"])
    # A colour this version does not know is no reassurance.
    worse = COLOURS.index(status) if status in COLOURS else len(COLOURS)
    if fail_on is not None and worse >= COLOURS.index(fail_on):
        raise typer.Exit(FAILED)


@app.command()
def sync(
    since: Annotated[
        str, typer.Option("--since", metavar="WHEN", help="30m, 24h, 7d, minutes, or a time.")
    ] = "24h",
    limit: Annotated[int, typer.Option("--limit", min=1, max=500, help="Rows.")] = 100,
    status: Annotated[str | None, typer.Option("--status", help="Only this status.")] = None,
    table: Annotated[str | None, typer.Option("--table", help="Only this table's id.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Table syncs, newest first, failed ones too."""
    from console.client import connect

    params = {**lower_bound(since), "limit": str(limit)}
    params |= {"status": status} if status else {}
    params |= {"table_id": table} if table else {}
    with connect() as client:
        answer = client.activity.sync(params)
    rows = answer["rows"]
    if as_json:
        show_json(answer)
    elif rows:
        show_table(SYNCS, rows)
        if len(rows) == limit:
            note(f"the {limit} newest; there may be more: raise --limit or shorten --since")
    else:
        say(f"no sync since {plain(since)}; try a longer one: --since 7d")


for _command in (
    admin_changes.changes,
    admin_changes.diff,
    admin_changes.rollback,
    admin_changes.reveal,
    admin_syncs.syncs,
    admin_insights.queries,
    admin_insights.performance,
    admin_insights.usage,
):
    app.command()(_command)
