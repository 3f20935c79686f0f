"""`agnes report list|show|amend|delete`: one's own reports, and what became of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from console.cli.exits import FAILED, WrongUse
from console.cli.fields import show_fields
from console.cli.listing import CursorOption, cursor_of
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
from console.cli.report_clean import Cleaning
from console.cli.report_dialog import typed_word, watched
from console.cli.report_draft import category_of, message_of
from console.cli.report_preview import amendment
from console.cli.report_queue import PATH
from console.cli.text import json_text, plain, plain_lines
from schema.errors import NotFound

if TYPE_CHECKING:
    from console.client import Client

Json = dict[str, Any]
IdArgument = Annotated[
    str, typer.Argument(metavar="ID", help="Of a report; its first letters are enough.")
]
LimitOption = Annotated[int, typer.Option("--limit", min=1, max=200, help="Rows.")]
YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask. It is shown all the same.")]
LEAST = 4  # letters of an id
_WHOLE = 36  # letters of a whole id

COLUMNS = (
    Column("WHEN", time_field("created_at"), drop=3),
    Column("STATUS", field("status")),
    Column("MESSAGE", field("message"), floor=16),
    Column("OTHERS", field("duplicates"), drop=4, right=True),
    Column("ANSWER", field("resolution"), floor=10, drop=2),
    Column("FIXED IN", field("fixed_in"), drop=5),
    Column("ID", lambda row: dash(row.get("id"))[:13]),
)
_SHOWN = (
    *("id", "created_at", "status", "category", "duplicates", "reporters", "resolution"),
    *("fixed_in", "resolved_at", "reopened", "tags", "session_file", "excerpt_turns", "error"),
    *("fingerprint", "updated_at", "version"),
)


def list_reports(
    limit: LimitOption = 50, cursor: CursorOption = None, as_json: JsonOption = False
) -> None:
    """Your reports, the newest first, with the answers to them."""
    from console.client import connect

    with connect() as client:
        answer = client.request("GET", PATH, params={"limit": limit, **cursor_of(cursor)})
    if as_json:
        show_json(answer)
        return
    if not answer["rows"]:
        say("no reports")
        return
    show_table(COLUMNS, answer["rows"])
    following = answer.get("next_cursor")
    rest = f"; the next: --cursor {following['ts']},{following['id']}" if following else ""
    note(f"{len(answer['rows'])} of {answer['total']} reports{rest}")


def show(report: IdArgument, as_json: JsonOption = False) -> None:
    """One of your reports: what you sent, and the answer."""
    from console.client import connect

    with connect() as client:
        row = _one(client, report)
    if as_json:
        show_json(row)
        return
    show_fields({name: row[name] for name in _SHOWN if row.get(name) not in (None, "", [])})
    if isinstance(row.get("environment"), dict):
        show_fields(row["environment"], indent="  ")
    say()
    say(plain_lines(str(row.get("message") or "")))


def amend(
    report: IdArgument,
    message: Annotated[
        str | None, typer.Option("--message", "-m", help="What it should say instead.")
    ] = None,
    category: Annotated[str | None, typer.Option("--category", help="A word of your own.")] = None,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Say it otherwise. You see the bytes first, and type a word to send them."""
    from console.client import connect, path_of

    if message is None and category is None:
        raise WrongUse("nothing to amend", detail="give --message, --category or both")
    _may_ask(yes=yes)
    cuts = Cleaning()
    change: Json = {}
    if message is not None:
        change["message"] = message_of(message, cuts)
    if category is not None:
        change["category"] = category_of(category, cuts)
    with connect() as client:
        row = _one(client, report)
        body = json_text({"version": row["version"], **change}).encode()
        typer.echo(amendment(row["id"], body, cuts, server=client.server), err=True)
        if not yes and not typed_word("send", "Type send to send exactly this. Anything else"):
            _stopped("nothing was sent", as_json=as_json)
        headers = {"Content-Type": "application/json; charset=utf-8"}
        where = path_of(PATH, row["id"])
        answer = client.request("PATCH", where, content=body, headers=headers)
    if as_json:
        show_json(answer)
    else:
        say(f"report {plain(row['id'])} is amended")


def delete(report: IdArgument, yes: YesOption = False, as_json: JsonOption = False) -> None:
    """Take a report back: the server deletes it. What is audited holds no text of it."""
    from console.client import connect, path_of

    _may_ask(yes=yes)
    with connect() as client:
        row = _one(client, report)
        said = plain(str(row.get("message") or ""))[:200]
        typer.echo(f"report {plain(row['id'])}, {dash(row.get('status'))}: {said}", err=True)
        if not yes and not typed_word("delete", "Type delete to delete it for good. Anything else"):
            _stopped("nothing was deleted", as_json=as_json)
        client.request("DELETE", path_of(PATH, row["id"]))
    if as_json:
        show_json({"deleted": row["id"]})
    else:
        say(f"report {plain(row['id'])} is deleted")


def _one(client: Client, report: str) -> Json:
    """One's own report by its id, or by how that begins. Raises NotFound, WrongUse."""
    from console.client import path_of

    if len(report) >= _WHOLE:
        return client.request("GET", path_of(PATH, report))
    if len(report) < LEAST:
        raise WrongUse(f"{report} is too short: give at least {LEAST} letters of the id")
    rows = client.request("GET", PATH, params={"limit": 200})["rows"]
    found = [row["id"] for row in rows if str(row["id"]).startswith(report)]
    if not found:
        raise NotFound(f"no report of yours begins with {report}", detail="see agnes report list")
    if len(found) > 1:
        raise WrongUse(f"{report} may be any of {', '.join(found[:5])}: give more letters")
    return client.request("GET", path_of(PATH, found[0]))


def _may_ask(*, yes: bool) -> None:
    if not (yes or watched()):
        raise WrongUse(
            "nothing was sent: there is no terminal to confirm on",
            detail="--yes does it without a question",
        )


def _stopped(what: str, *, as_json: bool) -> None:
    if as_json:
        show_json({"status": "not_sent"})
    note(what)
    raise typer.Exit(FAILED)
