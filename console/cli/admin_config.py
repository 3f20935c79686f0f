"""`agnes admin config …`: the server's settings, and those that change while it runs."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from console.cli.exits import WrongUse
from console.cli.lazy import noun
from console.cli.listing import LimitOption, OffsetOption, SearchOption, show_list, show_one
from console.cli.output import Column, JsonOption, Row, dash, field, say, show_json
from console.cli.text import plain
from schema.errors import NotFound

app = noun("The server's settings. Without a command: list.")

PATH = "/api/admin/config"
KeyArgument = Annotated[
    str, typer.Argument(metavar="KEY", help="As in the list, such as AGNES_QUERY_SECONDS.")
]


def _value(row: Row) -> str:
    return dash(row.get("value"))


COLUMNS = (
    Column("SETTING", field("key"), floor=20),
    Column("VALUE", _value, floor=10),
    Column("SOURCE", field("source")),
    Column("LIVE", field("live"), drop=2),
    Column("DEFAULT", field("default"), floor=8, drop=1),
    Column("WHAT IT DOES", field("help"), floor=20, drop=3),
)


@app.command("list")
def list_settings(
    search: SearchOption = None,
    source: Annotated[
        str | None,
        typer.Option("--source", help="Only values from default, environment or instance."),
    ] = None,
    live: Annotated[
        bool | None, typer.Option("--live/--fixed", help="Only those that can be set here.")
    ] = None,
    limit: LimitOption = None,
    offset: OffsetOption = 0,
    as_json: JsonOption = False,
) -> None:
    """All settings, and where each value comes from."""
    from console.client import connect

    shown = None if live is None else str(live).lower()
    with connect() as client:
        answer = client.config.list(limit=limit, offset=offset, q=search, source=source, live=shown)
    show_list("settings", COLUMNS, answer, as_json=as_json)


@app.command()
def get(key: KeyArgument, as_json: JsonOption = False) -> None:
    """One setting."""
    from console.client import connect

    with connect() as client:
        rows = client.config.list(q=key)["rows"]
    found = next((row for row in rows if row["key"] == key.upper()), None)
    if found is None:
        raise NotFound(f"no setting {key}", detail="see `agnes admin config`")
    show_one(found, as_json=as_json)


@app.command("set")
def set_values(
    given: Annotated[
        list[str], typer.Argument(metavar="KEY=VALUE...", help="One or more; all, or none.")
    ],
    as_json: JsonOption = False,
) -> None:
    """Set settings of this instance; they count at once."""
    values: dict[str, Any] = {}
    for text in given:
        key, sign, value = text.partition("=")
        if not (sign and key):
            raise WrongUse(f"{text} is not KEY=VALUE")
        values[key.upper()] = value
    _put(values, as_json=as_json)


@app.command()
def unset(
    keys: Annotated[list[str], typer.Argument(metavar="KEY...", help="One or more.")],
    as_json: JsonOption = False,
) -> None:
    """Take the default again."""
    _put(dict.fromkeys((key.upper() for key in keys), None), as_json=as_json)


def _put(values: dict[str, Any], *, as_json: bool) -> None:
    from console.client import connect

    with connect() as client:
        answer = client.request("PUT", PATH, json={"values": values})
    if as_json:
        show_json(answer)
        return
    for row in answer["rows"]:
        done = "is now" if row["key"] in answer["changed"] else "was already"
        default = " (the default)" if row["source"] == "default" else ""
        say(f"{plain(row['key'])} {done} {dash(row['value'])}{default}")
