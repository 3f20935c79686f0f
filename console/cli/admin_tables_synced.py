"""`agnes admin tables profile` and `history`: what is in a synced table, and how its syncs went."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from console.cli.admin_sync import drifted
from console.cli.listing import OffsetOption, show_list
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

TableArgument = Annotated[str, typer.Argument(metavar="ID", help="The table's id.")]


def _top(row: Row) -> str:
    return dash(", ".join(f"{one['value']} ({one['count']})" for one in row.get("top") or ()))


def _bad(row: Row) -> str:
    return "red" if row["status"] == "error" else ""


PROFILE = (
    Column("COLUMN", field("name"), floor=12),
    Column("TYPE", field("type"), drop=3),
    Column("NULLS", field("nulls"), right=True),
    Column("DISTINCT", field("distinct"), right=True, drop=2),
    Column("MIN", field("min"), floor=8, drop=1),
    Column("MAX", field("max"), floor=8, drop=1),
    Column("TOP", _top, floor=16),
)
HISTORY = (
    Column("AT", time_field("synced_at")),
    Column("STATUS", field("status"), style=_bad),
    Column("ROWS", field("rows"), right=True),
    Column("MS", field("duration_ms"), right=True, drop=2),
    Column("DRIFT", drifted, floor=8, drop=3),
    Column("ERROR", field("error"), floor=20),
)


def profile(table: TableArgument, as_json: JsonOption = False) -> None:
    """What its columns hold: nulls, least, greatest and most frequent values."""
    from console.client import connect, path_of

    with connect() as client:
        found = client.request("GET", path_of("/api/admin/tables", table, "profile"))
    if as_json:
        show_json(found)
        return
    size = f"{found['rows']:,} rows, {found['bytes']:,} bytes"
    say(f"{plain(found['table_id'])}: {size}, synced {moment(found['synced_at'])}\n")
    show_table(PROFILE, found["columns"])
    note(f"{len(found['columns'])} columns")


def history(
    table: TableArgument,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="Syncs at most.")] = 20,
    offset: OffsetOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Its syncs, newest first: rows, time, what changed, what went wrong."""
    from console.client import connect, path_of

    given: dict[str, Any] = {"limit": limit, "offset": offset}
    with connect() as client:
        answer = client.request("GET", path_of("/api/admin/tables", table, "syncs"), params=given)
    show_list("syncs", HISTORY, answer, as_json=as_json)
