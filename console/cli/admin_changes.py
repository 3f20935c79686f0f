"""`agnes admin activity changes|diff|rollback|reveal`: what changed, and undoing it.

It asks and prints; what may be rolled back, and what that does, the server knows.
"""

from __future__ import annotations

import json
from typing import Annotated, Any
from urllib.parse import quote

import typer

from console.cli.exits import WrongUse
from console.cli.filters import Chosen, filtered
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
from console.cli.text import json_text, plain, plain_lines

EventArgument = Annotated[str, typer.Argument(metavar="ID", help="The row's id.")]


def _fields(row: Row) -> str:
    return dash(", ".join(str(one["name"]) for one in row.get("fields") or ()))


CHANGES = (
    Column("TIME", time_field("timestamp")),
    Column("USER", field("user_email"), floor=10, drop=2),
    Column("ACTION", field("action"), floor=12),
    Column("RESOURCE", field("resource"), floor=10, drop=3),
    Column("FIELDS", _fields, floor=12),
    Column("ID", field("id"), drop=1),
)
ACCESS = (
    Column("", lambda row: str(row["side"]), style=lambda row: str(row["colour"])),
    Column("USER", field("user_email"), floor=12),
    Column("TYPE", field("resource_type")),
    Column("RESOURCE", field("resource_id"), floor=8, drop=2),
    Column("RULE", field("rule"), floor=12, drop=1),
)


@filtered
def changes(
    chosen: Chosen,
    limit: Annotated[int, typer.Option("--limit", min=1, max=200, help="Rows.")] = 50,
    as_json: JsonOption = False,
) -> None:
    """What was changed, newest first, with the names of the fields."""
    from console.client import connect

    params = {**chosen.params(), "limit": str(limit)}
    with connect() as client:
        answer = client.request("GET", "/api/admin/activity/changes", params=params)
    if as_json:
        show_json(answer)
    elif answer["rows"]:
        show_table(CHANGES, answer["rows"])
        if answer.get("next_cursor"):
            note(f"the {limit} newest; there are more: raise --limit, or use more filters")
    else:
        say("no change in this window; next: a longer one (--since 7d), or fewer filters")


def diff(event: EventArgument, as_json: JsonOption = False) -> None:
    """What one change changed, field by field."""
    from console.client import connect

    with connect() as client:
        answer = client.request("GET", _path(event, "diff"))
    if as_json:
        show_json(answer)
        return
    who = dash(answer.get("user_email") or answer.get("user_id"))
    say(f"{plain(answer['action'])}  {dash(answer['resource'])}")
    say(f"{moment(answer['timestamp'])}  {who}\n")
    _show_fields(answer["fields"])
    if answer["can_roll_back"]:
        say(f"\nagnes admin activity rollback {plain(answer['id'])} --dry-run")
    else:
        say(f"\ncannot be rolled back: {plain(answer['why_not'])}")


def rollback(
    event: EventArgument,
    reason: Annotated[
        str | None, typer.Option("--reason", help="Why; it stands in the audit log.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would change, and change nothing.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Bring back what was before a change, unless somebody has changed it since."""
    from console.client import connect

    body = {} if reason is None else {"reason": reason}
    params = {"dry_run": "1"} if dry_run else {}
    with connect() as client:
        answer = client.request("POST", _path(event, "rollback"), params=params, json=body)
    if as_json:
        show_json(answer)
        return
    done = "would roll back" if dry_run else "rolled back"
    say(f"{done} {plain(answer['action'])}  {dash(answer['resource'])}\n")
    _show_fields(answer["fields"])
    access = answer.get("access") or {}
    rows = [
        {**row, "side": side, "colour": colour}
        for side, colour in (("gains", "green"), ("loses", "red"))
        for row in access.get(side, ())
    ]
    if rows:
        say()
        show_table(ACCESS, rows)
    elif dry_run:
        say("\nnobody gains or loses access")
    for email in answer["deactivated"]:
        say(f"{plain(email)} is deactivated: a member again, who may not sign in")


def reveal(
    event: EventArgument,
    reason: Annotated[
        str, typer.Option("--reason", help="Why; it stands in the audit log, with your name.")
    ],
    as_json: JsonOption = False,
) -> None:
    """One row as it is stored, unmasked."""
    from console.cli.fields import show_fields
    from console.client import connect

    with connect() as client:
        answer = client.request("POST", _path(event, "reveal"), json={"reason": reason})
    if as_json:
        show_json(answer)
    else:
        show_fields(answer)


def _path(event: str, verb: str) -> str:
    if event in ("", ".", ".."):
        raise WrongUse(f"no row has the id {event or 'of nothing'}", detail="copy it from `list`")
    return f"/api/admin/activity/{quote(event, safe='')}/{verb}"


def _show_fields(fields: list[dict[str, Any]]) -> None:
    if not fields:
        say("no field differs")
    for one in fields:
        say(plain(one["name"]))
        for sign, value in (("-", one["before"]), ("+", one["after"])):
            for line in _lines(value):
                say(f"  {sign} {line}")


def _lines(value: Any) -> list[str]:
    if isinstance(value, str):
        text = value
    elif value is None:
        return []
    else:
        text = json_text(value) if isinstance(value, dict | list) else json.dumps(value)
    return plain_lines(text).split("\n")
