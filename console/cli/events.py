"""Events of the audit log in a terminal: the commands that the whole log and one's own part of it
share. They ask and print; the server filters."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from console.cli.exported import Format, FormatOption, OutputOption, place_of, write_export
from console.cli.fields import show_fields
from console.cli.filters import Chosen, filtered
from console.cli.lazy import noun
from console.cli.listing import CursorOption, cursor_of
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

if TYPE_CHECKING:
    from console.client import Client, Events

ROWS = 50  # of a page of the audit log
STYLES = {"error": "red", "denied": "yellow", "success": "green", "none": "dim"}


def _who(row: Row) -> str:
    return dash(row.get("user_email") or row.get("user_name") or row.get("user_id"))


def _result_style(row: Row) -> str:
    return STYLES.get(str(row.get("result_class")), "")


EVENTS = (
    Column("TIME", time_field("timestamp")),
    Column("USER", _who, floor=10, drop=1),
    Column("SOURCE", field("source"), floor=6, drop=3),
    Column("ACTION", field("action"), floor=12),
    Column("RESULT", field("result"), floor=7, style=_result_style),
    Column("RESOURCE", field("resource"), floor=10, drop=2),
    Column("MS", field("duration_ms"), drop=4, right=True),
)


@dataclass(frozen=True)
class Source:
    """Whose events: what a person types after `agnes`, and where the client finds them."""

    words: str
    of: Callable[[Client], Events]


def events(help: str, source: Source) -> typer.Typer:
    """The app of a noun with the commands list, export and show."""
    app = noun(help)
    _add_list(app, source)
    _add_export(app, source)
    _add_show(app, source)
    return app


def _add_list(app: typer.Typer, source: Source) -> None:
    @app.command("list")
    @filtered
    def list_events(
        chosen: Chosen,
        sort: Annotated[
            str | None, typer.Option("--sort", metavar="KEY:DIR", help="Such as duration_ms:desc.")
        ] = None,
        cursor: CursorOption = None,
        limit: Annotated[int, typer.Option("--limit", min=1, max=200, help="Rows.")] = ROWS,
        as_json: JsonOption = False,
    ) -> None:
        """What happened, newest first."""
        from console.client import connect

        params = {**chosen.params(), **cursor_of(cursor), "limit": str(limit)}
        params |= {"sort": sort} if sort else {}
        with connect() as client:
            answer = source.of(client).list(params)
        if as_json:
            show_json(answer)
            return
        rows = answer["rows"]
        if not rows:
            _say_nothing_found(chosen, answer.get("filter") or {}, later_page=cursor is not None)
            return
        show_table(EVENTS, rows)
        following = answer.get("next_cursor")
        if following:
            typed = chosen.words()
            typed += [f"--sort {shlex.quote(sort)}"] if sort else []
            typed += [f"--limit {limit}"] if limit != ROWS else []
            place = shlex.quote(f"{following['ts']},{following['id']}")
            note("more: " + " ".join([f"agnes {source.words}", *typed, "--cursor", place]))


def _add_export(app: typer.Typer, source: Source) -> None:
    @app.command("export")
    @filtered
    def export_events(
        chosen: Chosen,
        format: FormatOption = Format.CSV,
        output: OutputOption = "-",
    ) -> None:
        """Every row of the filter, streamed into a file or to standard output."""
        from console.client import connect

        place = place_of(output, format)
        with connect() as client, source.of(client).export(format, chosen.params()) as download:
            write_export(download, format, place)


def _add_show(app: typer.Typer, source: Source) -> None:
    @app.command("show")
    def show_event(
        event: Annotated[str, typer.Argument(metavar="ID", help="The row's id.")],
        as_json: JsonOption = False,
    ) -> None:
        """One row in full, with the record it is about."""
        from console.client import connect

        with connect() as client:
            answer = source.of(client).show(event)
        if as_json:
            show_json(answer)
            return
        linked = answer.pop("linked", None)
        show_fields(answer)
        if linked:
            for record in linked.get("records") or [linked["record"]]:
                say(f"\n{plain(linked['kind'])}")
                show_fields(record, indent="  ")


def _say_nothing_found(chosen: Chosen, resolved: dict[str, Any], *, later_page: bool) -> None:
    if later_page:
        say("no more activity: that was the last page")
        return
    words = chosen.words()
    window = f"from {moment(resolved.get('since'))} to {moment(resolved.get('until'))}"
    say(f"no activity {window}" + (f" with {plain(' '.join(words))}" if words else ""))
    say("next: a longer window (--since 7d)" + (", or fewer filters" if words else ""))
