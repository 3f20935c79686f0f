"""`agnes admin sync`: tables are read anew from their sources, and how each went."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from console.cli.exits import FAILED, WrongUse
from console.cli.output import Column, JsonOption, Row, dash, field, note, show_json, show_table
from console.cli.text import plain

if TYPE_CHECKING:
    from console.client import Client

PATH = "/api/sync/trigger"


def _bad(row: Row) -> str:
    return "red" if row["status"] == "error" else ""


def drifted(row: Row) -> str:
    """What differs from the version before, in a few words."""
    drift = row.get("drift") or {}
    parts = [
        *(f"+{name}" for name in drift.get("added") or ()),
        *(f"-{name}" for name in drift.get("removed") or ()),
        *(f"{one['name']}:{one['after']}" for one in drift.get("retyped") or ()),
    ]
    return dash(" ".join(parts))


ATTEMPTS = (
    Column("TABLE", field("table_id"), floor=12),
    Column("STATUS", field("status"), style=_bad),
    Column("ROWS", field("rows"), right=True),
    Column("MS", field("duration_ms"), right=True, drop=2),
    Column("DRIFT", drifted, floor=8, drop=3),
    Column("ERROR", field("error"), floor=20),
)


def sync(
    tables: Annotated[
        list[str] | None, typer.Argument(metavar="TABLE...", help="Ids of tables that sync.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All that sync.")] = False,
    due: Annotated[bool, typer.Option("--due", help="Those whose schedule says so.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Read tables anew, one after the other. Exit 1 where one failed; the others are published."""
    from console.cli.progress import bar
    from console.client import connect

    if sum((bool(tables), everything, due)) != 1:
        raise WrongUse("say which tables", detail="TABLE..., or --all, or --due")
    attempts: list[Any] = []
    with connect() as client:
        asked = _bodies(client, tables, due=due)
        with bar(len(asked), bytes=False, wanted=not as_json) as update:
            for number, body in enumerate(asked):
                update(number, " ".join(body.get("tables", ["sync"])))
                attempts += _trigger(client, body)
    failed = sum(1 for one in attempts if one["status"] == "error")
    if as_json:
        show_json({"ok": not failed, "attempts": attempts, "failed": failed})
    elif attempts:
        show_table(ATTEMPTS, attempts)
        note(f"{len(attempts)} tables, {failed} failed")
    else:
        note("no table is due" if due else "no table syncs: see `agnes admin tables register -h`")
    if failed:
        raise typer.Exit(FAILED)


def _bodies(client: Client, tables: list[str] | None, *, due: bool) -> list[dict[str, Any]]:
    """A request for each table, so that each is told as soon as it is done."""
    if due:
        return [{"due": True}]
    if not tables:
        rows = client.tables.list()["rows"]
        kinds = ("files", "url", "sql")
        found = [row for row in rows if row["source_type"] in kinds]
        tables = [row["id"] for row in found if row["query_mode"] != "remote"]
    return [{"tables": [id]} for id in tables]


def _trigger(client: Client, body: dict[str, Any]) -> list[Any]:
    from console.client import SLOW

    answer = client.request("POST", PATH, json=body, timeout=6 * SLOW)
    found: list[Any] = answer["attempts"]
    for one in found:
        if one["status"] == "error":
            note(f"{plain(one['table_id'])}: {plain(one['error'])}")
    return found
