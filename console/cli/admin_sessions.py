"""`agnes admin sessions …`: sessions of everybody, what was found in them, and their replay. It
asks and prints; the server filters and counts."""

from __future__ import annotations

import shlex
from typing import Annotated, Any

import typer

from console.cli import session_downloads, session_replays, session_tables
from console.cli.exported import Format, FormatOption, OutputOption, place_of, write_export
from console.cli.filters import Chosen, typed
from console.cli.lazy import noun
from console.cli.listing import CursorOption, OffsetOption, cursor_of, show_list
from console.cli.output import JsonOption, note, say, show_json, show_table
from console.cli.session_filters import FINDINGS, asked, of_found, of_sessions, say_nothing
from console.cli.session_names import FileArgument, SessionArgument, of_anybody
from console.cli.session_tables import of_all, span
from console.cli.text import plain

app = noun("Sessions of everybody. Without a command: list, with the options of `list --help`.")
BASE = "/api/admin/sessions"

LimitOption = Annotated[int, typer.Option("--limit", min=1, max=200, help="Rows.")]
SORTS = "uploaded_at, started_at, findings, tool_errors, user, tool_calls, active_seconds, tokens"


@app.command("list")
@of_sessions
def list_sessions(
    chosen: Chosen,
    sort: Annotated[
        str, typer.Option("--sort", metavar="KEY:DIR", help=f"KEY is one of {SORTS}.")
    ] = "tool_errors:desc",
    limit: LimitOption = 50,
    offset: OffsetOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Sessions of the last 7 days, those with most failed calls first; `!` marks failures."""
    answer = _asked("list", chosen, sort=sort, limit=limit, offset=offset)
    rows = answer["rows"]
    if not rows and not offset and not as_json:
        say_nothing("sessions", chosen)
        return
    columns = [*session_tables.listed(chosen.options["anchor"] or "uploaded")]
    columns[-1:-1] = session_tables.found(rows)
    show_list("sessions", columns, answer, as_json=as_json)
    if rows and not as_json:
        note("open one: agnes admin sessions show SESSION (its first letters are enough)")


@app.command()
@of_sessions
def kpis(chosen: Chosen, as_json: JsonOption = False) -> None:
    """How many sessions, of how many people, and how they went."""
    answer = _asked("kpis", chosen)
    if as_json:
        show_json(answer)
        return
    total, verdicts = answer["sessions_total"], answer["by_verdict"]
    if not total:
        say_nothing("sessions", chosen)
        return
    judged = ", ".join(f"{count:,} {plain(name)}" for name, count in verdicts.items() if count)
    lines = {
        "sessions": f"{total:,} of {answer['distinct_users']:,} people",
        "with failures": of_all(answer["error_sessions"], total),
        "with findings": of_all(answer["with_findings"], total)
        + f", {answer['findings_total']:,} findings",
        "verdicts": judged.replace(" none", " not judged yet"),
        "failed calls": of_all(answer["tool_errors_total"], answer["tool_calls_total"]),
        "tokens": f"{answer['tokens_total']:,} in and out",
        "active": span(answer["active_seconds_total"]),
    }
    waiting = total - answer["processed"]
    lines |= {"waiting": f"{of_all(waiting, total)} not processed yet"} if waiting else {}
    for name, text in lines.items():
        say(f"{name:<14} {text}")


@app.command()
@of_sessions
def facets(chosen: Chosen, as_json: JsonOption = False) -> None:
    """What the sessions consist of: people, models, verdicts, findings."""
    answer = _asked("facets", chosen)
    if as_json:
        show_json(answer)
    else:
        session_tables.facets(answer, counted="sessions")


@app.command()
@of_sessions
def findings(
    chosen: Chosen,
    kind: Annotated[
        str | None, typer.Option("--type", metavar=FINDINGS, help="Only this type of finding.")
    ] = None,
    subtype: Annotated[str | None, typer.Option("--subtype", help="Only this subtype.")] = None,
    by_week: Annotated[
        bool, typer.Option("--by-week", help="Counts of each type by week instead.")
    ] = False,
    cursor: CursorOption = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=500, help="Rows.")] = 50,
    as_json: JsonOption = False,
) -> None:
    """What was found in sessions, the newest sessions first."""
    terms = {"finding_type": kind, "subtype": subtype}
    given = {name: text for name, text in terms.items() if text is not None}
    answer = _asked("findings", chosen, **given, **cursor_of(cursor), limit=limit)
    if as_json:
        show_json(answer)
    elif by_week:
        session_tables.weeks(answer)
    elif answer["rows"]:
        show_table(session_tables.FINDINGS, answer["rows"])
        options = {"--type": kind, "--subtype": subtype, "--limit": limit}
        _say_more([*chosen.words(), *typed(options)], answer["next_cursor"])
    elif cursor is not None:
        say("no more findings: that was the last page")
    else:
        say_nothing("findings", chosen)


@app.command()
@of_found
def search(
    chosen: Chosen,
    words: Annotated[
        list[str], typer.Argument(metavar="WORDS...", help='All of them; "a phrase" as one.')
    ],
    session: Annotated[
        str | None,
        typer.Option("--session", metavar="SESSION", help="Every line of this session."),
    ] = None,
    limit: LimitOption = 20,
    offset: OffsetOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Lines of transcripts by their words, of all times unless --since says otherwise."""
    from console.client import connect

    q = " ".join(f'"{word}"' if " " in word and '"' not in word else word for word in words)
    with connect() as client:
        params = {**asked(client, chosen), "q": q, "limit": str(limit), "offset": str(offset)}
        if session is not None:
            params["session_file"] = of_anybody(client, session, None).session_file
        answer = client.request("GET", f"{BASE}/search", params=params)
    if as_json:
        show_json(answer)
        return
    if answer["waiting"]:
        note(f"{answer['waiting']:,} sessions cannot be searched yet; they are being indexed")
    if not answer["rows"]:
        say(f"no line with {plain(q)} in {answer['indexed']:,} sessions")
        return
    show_table(session_tables.HITS, answer["rows"])
    following, cut = answer["next_offset"], "more than " if answer["truncated"] else ""
    rest = f"; the next: --offset {following}" if following is not None else ""
    hits = f"{cut}{answer['hits']:,} lines in {answer['sessions']:,} sessions"
    note(f"{len(answer['rows'])} of {answer['total']:,} shown, {hits}{rest}")
    note("open one there: agnes admin sessions show SESSION --from-turn TURN")


@app.command()
@of_sessions
def export(
    chosen: Chosen,
    sort: Annotated[
        str | None, typer.Option("--sort", metavar="KEY:DIR", help=f"KEY is one of {SORTS}.")
    ] = None,
    format: FormatOption = Format.CSV,
    output: OutputOption = "-",
) -> None:
    """Every session of the filter, streamed into a file or to standard output."""
    from console.client import connect

    place = place_of(output, format)
    with connect() as client:
        params = {**asked(client, chosen), "format": format.value}
        params |= {"sort": sort} if sort else {}
        with client.stream(f"{BASE}/export", params) as download:
            write_export(download, format, place)


@app.command()
def views(session: SessionArgument, file: FileArgument = None, as_json: JsonOption = False) -> None:
    """Who looked at a session, and why."""
    from console.client import connect

    with connect() as client:
        answer = client.request("GET", f"{of_anybody(client, session, file).base}/views")
    if as_json:
        show_json(answer)
    elif answer["rows"]:
        show_table(session_tables.LOOKS, answer["rows"])
    else:
        say("nobody has looked at it")


app.command("show")(session_replays.show)
app.command("download")(session_downloads.download)


def _say_more(words: list[str], following: Any) -> None:
    if following:
        place = shlex.quote(f"{following['ts']},{following['id']}")
        note(" ".join(["more: agnes admin sessions findings", *words, "--cursor", place]))


def _asked(endpoint: str, chosen: Chosen, **more: Any) -> dict[str, Any]:
    from console.client import connect

    with connect() as client:
        params = {**asked(client, chosen), **more}
        return client.request("GET", f"{BASE}/{endpoint}", params=params)
