"""`agnes admin views …`: your saved views. A view is a filter under a name; the pages open it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer

from console.cli.filters import Chosen, filtered
from console.cli.lazy import noun
from console.cli.listing import show_list, show_one
from console.cli.output import Column, JsonOption, Row, field, say, show_json, time_field
from console.cli.text import plain
from schema.errors import NotFound

if TYPE_CHECKING:
    from console.client import Client

app = noun("Your saved views. Without a command: list.")

VIEWS = "/api/admin/observability/views"
PageOption = Annotated[str | None, typer.Option("--page", help="The page it belongs to.")]


def _query(row: Row) -> str:
    query = row["query"]
    said = query if isinstance(query, str) else " ".join(f"{k}={v}" for k, v in query.items())
    return plain(said)


COLUMNS = (
    Column("NAME", field("name"), floor=12),
    Column("PAGE", field("page"), drop=2),
    Column("DEFAULT", field("is_default"), drop=3),
    Column("QUERY", _query, floor=16),
    Column("CREATED", time_field("created_at"), drop=4),
    Column("ID", field("id"), drop=1),
)


@app.command("list")
def list_views(page: PageOption = None, as_json: JsonOption = False) -> None:
    """Your views, the newest first."""
    from console.client import connect

    with connect() as client:
        answer = client.request("GET", VIEWS, params={"page": page} if page else {})
    show_list("views", COLUMNS, answer, as_json=as_json)


@app.command()
@filtered
def save(
    chosen: Chosen,
    name: Annotated[str, typer.Argument(metavar="NAME", help="In place of a view so named.")],
    page: PageOption = None,
    default: Annotated[
        bool, typer.Option("--default", help="The page opens with it from now on.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Keep these filters under a name."""
    from console.client import connect

    body: dict[str, Any] = {"name": name, "query": chosen.params()}
    body |= {"page": page} if page else {}
    body |= {"is_default": True} if default else {}
    with connect() as client:
        row = client.request("POST", VIEWS, json=body)
    show_one(row if as_json else {**row, "query": _query(row)}, as_json=as_json)


@app.command()
def rename(
    view: Annotated[str, typer.Argument(metavar="VIEW", help="A view's id or name.")],
    name: Annotated[str, typer.Argument(metavar="NAME", help="The name it gets.")],
    as_json: JsonOption = False,
) -> None:
    """Give a view another name."""
    _change(view, {"name": name}, as_json=as_json)


@app.command()
def default(
    view: Annotated[str, typer.Argument(metavar="VIEW", help="A view's id or name.")],
    off: Annotated[bool, typer.Option("--off", help="The page opens without it again.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Let its page open with this view, for you."""
    _change(view, {"is_default": not off}, as_json=as_json)


@app.command()
def delete(
    view: Annotated[str, typer.Argument(metavar="VIEW", help="A view's id or name.")],
    as_json: JsonOption = False,
) -> None:
    """Delete a view."""
    from console.client import connect

    with connect() as client:
        key = _id(client, view)
        client.request("DELETE", f"{VIEWS}/{quote(key, safe='')}")
    if as_json:
        show_json({"id": key, "deleted": True})
    else:
        say(f"deleted the view {plain(view)}")


def _change(view: str, wanted: dict[str, Any], *, as_json: bool) -> None:
    from console.client import connect

    with connect() as client:
        path = f"{VIEWS}/{quote(_id(client, view), safe='')}"
        row = client.request("PATCH", path, json=wanted)
    show_one(row if as_json else {**row, "query": _query(row)}, as_json=as_json)


def _id(client: Client, view: str) -> str:
    rows = client.request("GET", VIEWS)["rows"]
    found = [row["id"] for row in rows if view in (row["id"], row["name"])]
    if len(found) != 1:
        raise NotFound(
            f"{len(found) or 'no'} views have the id or name {view}",
            detail="see `agnes admin views`; where a name stands twice, give the id",
        )
    key: str = found[0]
    return key
