"""`agnes catalog`, `schema`, `sample` and `explain-access`: what one can question, what it means,
and whose rows one sees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from console.cli import answers
from console.cli.output import (
    Column,
    JsonOption,
    Row,
    dash,
    field,
    note,
    say,
    show_json,
    show_table,
)
from console.cli.text import plain

if TYPE_CHECKING:
    from console.client import Json

TableArgument = Annotated[str, typer.Argument(metavar="TABLE", help="As in `agnes catalog`.")]

_TABLES = (
    Column("TABLE", lambda row: dash(row.get("name") or row.get("table_id")), floor=14),
    Column("COLUMNS", field("columns"), right=True, drop=2),
    Column("FROM", lambda row: dash(row.get("bucket") or row.get("source_type")), floor=8, drop=1),
    Column("DESCRIPTION", field("description"), floor=20, drop=3),
)
_COLUMNS = (
    Column("COLUMN", field("name"), floor=12),
    Column("TYPE", field("type"), floor=8),
    Column("NULL", lambda row: dash(bool(row.get("nullable"))), drop=2),
    Column("MEANING", field("description"), floor=20, drop=1),
)


def catalog(as_json: JsonOption = False) -> None:
    """The tables that you may question."""
    from console.client import connect
    from console.query_client import catalog as ask

    with connect() as client:
        answer = ask(client)
    if as_json:
        show_json(answer)
        return
    tables = answer["tables"]
    if not tables:
        say("no tables")
        return
    show_table(_TABLES, tables)
    note(f"{len(tables)} tables; one of them: agnes schema TABLE, agnes sample TABLE")


def schema(table: TableArgument, as_json: JsonOption = False) -> None:
    """A table's columns: their types and what they mean."""
    from console.client import connect
    from console.query_client import schema as ask

    with connect() as client:
        answer = ask(client, table)
    if as_json:
        show_json(answer)
        return
    if answer.get("description"):
        say(f"{plain(answer['description'])}\n")
    show_table(_COLUMNS, answer["columns"])
    tables = (answer.get("row_scope") or {}).get("tables") or {}
    scope = "".join(answers.seen(counts) for counts in tables.values())
    note(f"{len(answer['columns'])} columns{scope}")


def sample(
    table: TableArgument,
    count: Annotated[int, typer.Option("--rows", "-n", min=1, max=100, help="Rows.")] = 5,
    as_json: JsonOption = False,
) -> None:
    """Some rows of a table that you see; of the console's own tables the newest."""
    from console.client import connect
    from console.query_client import sample as ask

    with connect() as client:
        answer = ask(client, table, count)
    if as_json:
        show_json(answer)
    elif answer["rows"]:
        answers.show_records(answer["rows"])
    else:
        say(f"no rows of {plain(table)} that you see")
        note(f"why: agnes explain-access {table}")


def explain_access(table: TableArgument, as_json: JsonOption = False) -> None:
    """Why you see the rows of a table that you see: the rule, who you are, and how many."""
    from console.client import connect, path_of

    with connect() as client:
        answer = client.request("GET", path_of("/api/v2/explain", table))
    if as_json:
        show_json(answer)
    else:
        _explain(table, answer)


def _explain(table: str, answer: Json) -> None:
    who = answer["principal"]
    rows = f"{answer['visible']:,}" if isinstance(answer.get("visible"), int) else dash(None)
    if isinstance(answer.get("total"), int):
        rows += f" of {answer['total']:,}"
    lines = {
        "table": table,
        "you": f"{who['email']}{', an admin' if who['is_admin'] else ''}",
        "rule": answer["rule"],
        "grants": ", ".join(_grant(one, answer["table_id"]) for one in answer["grants"]) or "none",
        "rows": rows,
    }
    say(f"{plain(answer['because'])}\n")
    for name, text in lines.items():
        say(f"{name:<7} {plain(text)}")


def _grant(grant: Row, table: str) -> str:
    """What was granted, and to which group; of a grant on this very table only that."""
    what, one = grant.get("resource_type"), grant.get("resource_id")
    of_one = f" {one}" if one and one != table else ""
    return f"{what}{of_one} to {grant.get('group_name') or grant.get('group_id')}"
