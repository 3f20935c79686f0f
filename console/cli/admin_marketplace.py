"""`agnes admin marketplace …`: which plugins there are, so that their use can be told apart."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from console.cli.lazy import noun
from console.cli.listing import LimitOption, OffsetOption, SearchOption, show_list
from console.cli.output import Column, JsonOption, Row, field, note, say, show_json, time_field
from console.cli.text import plain

app = noun("Plugins, skills, agents and commands that can be had. Without a command: list.")

IMPORT = "/api/admin/marketplace/import"
REFRESH = "/api/admin/marketplace/refresh"
USE = "/api/admin/marketplace/use"
SORTS = "most_used, most_adopted, trending or recent."
SOURCES = "curated or flea"
TYPES = "plugin, skill, agent or command"

COLUMNS = (
    Column("MARKETPLACE", field("marketplace"), floor=10, drop=1),
    Column("SOURCE", field("source")),
    Column("PLUGIN", field("plugin"), floor=10),
    Column("TYPE", field("type")),
    Column("NAME", field("name"), floor=12),
    Column("DESCRIPTION", field("description"), floor=12, drop=3),
    Column("IMPORTED", time_field("imported_at"), drop=2),
)


@app.command("list")
def list_items(
    search: SearchOption = None,
    source: Annotated[str | None, typer.Option("--source", help=f"Only {SOURCES}.")] = None,
    marketplace: Annotated[str | None, typer.Option("--name", help="Only this one's.")] = None,
    kind: Annotated[str | None, typer.Option("--type", help=f"Only this type: {TYPES}.")] = None,
    limit: LimitOption = None,
    offset: OffsetOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Everything that is offered."""
    from console.client import connect

    with connect() as client:
        answer = client.marketplace.list(
            limit=limit, offset=offset, q=search, source=source, marketplace=marketplace, type=kind
        )
    show_list("items", COLUMNS, answer, as_json=as_json)


@app.command("import")
def import_items(
    path: Annotated[
        Path, typer.Argument(metavar="PATH", help="A marketplace's folder, or a JSON listing.")
    ],
    name: Annotated[str, typer.Option("--name", help="What the marketplace is called.")],
    source: Annotated[str, typer.Option("--source", help=f"Whose it is: {SOURCES}.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would change; change nothing.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Replace what a marketplace offers by what stands in PATH.

    What was recorded before is attributed anew, and the figures of its days are made anew.
    """
    from console.client import SLOW, connect
    from ingest.marketplace import named, read, sourced
    from ingest.marketplace import plain as travelling

    name, source, items = named(name), sourced(source), travelling(read(path))
    with connect() as client:
        body = {"marketplace": name, "source": source, "items": items, "dry_run": dry_run}
        answer = client.request("POST", IMPORT, json=body, timeout=SLOW)
    if as_json:
        show_json(answer)
        return
    has = "would have" if dry_run else "has"
    counts = f"{answer['added']:,} added, {answer['removed']:,} removed"
    say(f"{plain(name)} {has} {answer['items']:,} items, {counts}; {_anew(answer)}")


@app.command()
def refresh(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="One marketplace; else all of them.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would change; change nothing.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Say anew whose work the recorded use is, with what is offered now."""
    from console.client import SLOW, connect

    body = {"dry_run": dry_run, **({"marketplace": name} if name else {})}
    with connect() as client:
        answer = client.request("POST", REFRESH, json=body, timeout=SLOW)
    if as_json:
        show_json(answer)
        return
    for row in answer["rows"]:
        say(f"{plain(row['marketplace'])}{' would have' if dry_run else ''}: {_anew(row)}")
    if not answer["rows"]:
        say("no marketplace")


@app.command("use")
def show_use(
    search: SearchOption = None,
    sort: Annotated[str, typer.Option("--sort", help=SORTS)] = "most_used",
    kind: Annotated[str | None, typer.Option("--type", help=f"Only this type: {TYPES}.")] = None,
    source: Annotated[
        str | None, typer.Option("--source", help=f"Only {SOURCES}, or builtin.")
    ] = None,
    plugin: Annotated[str | None, typer.Option("--plugin", help="Only this plugin's.")] = None,
    unused: Annotated[bool, typer.Option("--unused", help="What nobody used in 30 days.")] = False,
    limit: LimitOption = None,
    offset: OffsetOption = 0,
    as_json: JsonOption = False,
) -> None:
    """What is used how much in 30 days, and by how many of the people."""
    from console.client import connect

    asked = {"q": search, "sort": sort, "type": kind, "source": source, "plugin": plugin}
    given: dict[str, Any] = {name: text for name, text in asked.items() if text}
    given |= {"offset": offset, "limit": limit or 1000}
    with connect() as client:
        answer = client.request("GET", USE, params=given)
    if as_json:
        show_json(answer)
        return
    if unused:
        rows = answer["unused"]
        show_list(
            "unused items",
            COLUMNS[:-1],
            {**answer, "rows": rows, "total": answer["unused_total"]},
            as_json=False,
        )
        return
    people = answer["active_people"]
    show_list("items in use", _used_by(people), answer, as_json=False)
    idle = f"{answer['unused_total']:,} of {answer['offered']:,} offered items were not used"
    note(f"{people:,} people used anything at all; {idle}")


@app.command()
def remove(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The marketplace's name.")],
    as_json: JsonOption = False,
) -> None:
    """Forget a marketplace. Use of its items counts as nobody's from then on."""
    from console.client import connect

    with connect() as client:
        answer = client.marketplace.delete(name)
    if as_json:
        show_json(answer)
    else:
        say(f"removed {plain(name)}, {answer['removed']:,} items; {_anew(answer)}")


def _used_by(people: int) -> tuple[Column, ...]:
    def trend(row: Row) -> str:
        return "–" if row["trend_pct"] is None else f"{row['trend_pct']:+.0f} %"

    return (
        Column("ITEM", field("called"), floor=14),
        Column("TYPE", field("type"), drop=2),
        Column("MARKETPLACE", field("marketplace"), floor=8, drop=3),
        Column("CALLS", field("invocations_30d"), right=True),
        Column("PEOPLE", lambda row: f"{row['distinct_users_30d']} of {people}", right=True),
        Column("TREND", trend, right=True),
        Column("LAST USED", field("last_used"), drop=1),
    )


def _anew(answer: dict[str, Any]) -> str:
    changed, days = answer["changed_events"], len(answer["days"])
    return f"{changed:,} events attributed anew, {days:,} days counted anew"
