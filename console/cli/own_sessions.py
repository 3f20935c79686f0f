"""`agnes sessions …`: one's own sessions, and who looked at them. No grant is needed."""

from __future__ import annotations

from typing import Annotated

import typer

from console.cli import session_downloads, session_replays, session_tables
from console.cli.lazy import noun
from console.cli.listing import OffsetOption, show_list
from console.cli.output import Column, JsonOption, dash, field, note, time_field

app = noun("Your own sessions. Without a command: list.")

LimitOption = Annotated[int, typer.Option("--limit", min=1, max=200, help="Rows.")]
COLUMNS = tuple(column for column in session_tables.listed() if column.name != "USER")
LOOKS = (
    Column("WHEN", time_field("at")),
    Column("WHO", lambda row: dash(row.get("user_name")), floor=10),
    Column("DID", field("action"), floor=8, drop=1),
    Column("REASON", field("reason"), floor=12),
    Column(
        "SESSION",
        lambda row: session_tables.short(row["session_file"]) if row["session_file"] else "all",
        floor=9,
    ),
)


@app.command("list")
def list_sessions(
    limit: LimitOption = 50, offset: OffsetOption = 0, as_json: JsonOption = False
) -> None:
    """Your sessions, the newest first, those too that are not processed yet."""
    from console.client import connect

    with connect() as client:
        params = {"limit": limit, "offset": offset}
        answer = client.request("GET", "/api/me/sessions", params=params)
    show_list("sessions", COLUMNS, answer, as_json=as_json)
    if answer["rows"] and not as_json:
        note("open one: agnes sessions show SESSION (its first letters are enough)")


@app.command()
def views(limit: LimitOption = 50, offset: OffsetOption = 0, as_json: JsonOption = False) -> None:
    """Who opened or took a transcript of yours, and why; the newest first."""
    from console.client import connect

    with connect() as client:
        params = {"limit": limit, "offset": offset}
        answer = client.request("GET", "/api/me/transcript-views", params=params)
    show_list("looks at your sessions", LOOKS, answer, as_json=as_json)


app.command("show")(session_replays.show_mine)
app.command("download")(session_downloads.download_mine)
