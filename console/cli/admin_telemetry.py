"""`agnes admin telemetry …`: which tools, skills, subagents and MCP servers are used, and how their
calls end. `agnes admin usage` is its old name. It asks and prints; the server counts."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer

from console.cli import session_tables, telemetry_tables
from console.cli.exits import WrongUse
from console.cli.exported import Format, FormatOption, OutputOption, place_of, write_export
from console.cli.filters import Chosen
from console.cli.lazy import noun
from console.cli.listing import OffsetOption, show_list
from console.cli.output import JsonOption, note, show_json
from console.cli.session_filters import asked, of_telemetry, say_nothing
from console.cli.session_names import of_anybody

app = noun("Usage of tools, skills, subagents, MCP servers. Without a command: kpis.", first="kpis")
usage = noun("The old name of `agnes admin telemetry`.", first="kpis")
BASE = "/api/admin/telemetry"

GROUPS = (
    "day, username, user, tool, source, ref_id, skill, subagent, mcp_server, model, outcome, "
    "event_type"
)
MEASURES = "invocations|errors|error_rate"
LimitOption = Annotated[int, typer.Option("--limit", min=1, max=1000, help="Rows.")]


class Window(StrEnum):
    WEEK = "7d"
    MONTH = "30d"
    ALL = "all"


class Kind(StrEnum):
    SKILLS = "skills"
    SUBAGENTS = "subagents"
    COMMANDS = "commands"
    PLUGINS = "plugins"
    MCP = "mcp"
    TOOLS = "tools"


class By(StrEnum):
    RECENT = "recent"
    USED = "most_used"
    ADOPTED = "most_adopted"
    TRENDING = "trending"


@usage.callback()
def _old_name() -> None:
    note("`agnes admin usage` is called `agnes admin telemetry` now")


@app.command()
@of_telemetry
def kpis(chosen: Chosen, as_json: JsonOption = False) -> None:
    """How many calls, by how many people, and how they ended."""
    answer = _asked("kpis", chosen)
    if as_json:
        show_json(answer)
    elif answer["events_total"]:
        telemetry_tables.kpis(answer)
    else:
        say_nothing("calls", chosen)


@app.command()
def summary(
    window: Annotated[Window, typer.Option("--window", help="How far back.")] = Window.WEEK,
    limit: Annotated[int, typer.Option("--limit", min=1, max=10, help="Rows of each list.")] = 10,
    as_json: JsonOption = False,
) -> None:
    """The overview of a window: tools, people, slow actions, queries."""
    from console.client import connect

    with connect() as client:
        answer = client.request("GET", f"{BASE}/summary", params={"window": window.value})
    if as_json:
        show_json(answer)
    else:
        telemetry_tables.summary(answer, limit)


@app.command()
@of_telemetry
def query(
    chosen: Chosen,
    group_by: Annotated[
        str | None, typer.Option("--group-by", metavar="FIELD", help=f"One of {GROUPS}.")
    ] = None,
    sort: Annotated[
        str | None,
        typer.Option("--sort", metavar="KEY:DIR", help="Such as error_rate:desc; of groups."),
    ] = None,
    limit: LimitOption = 50,
    offset: OffsetOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Calls one by one, the newest first; with --group-by counted by a field."""
    given = {"group_by": group_by, "sort": sort}
    more = {name: str(one) for name, one in given.items() if one is not None}
    answer = _asked("query", chosen, **more, limit=limit, offset=offset)
    if not answer["rows"] and not offset and not as_json:
        say_nothing("calls", chosen)
        return
    columns = (
        telemetry_tables.groups(str(group_by).upper()) if group_by else telemetry_tables.EVENTS
    )
    show_list("groups" if group_by else "calls", columns, answer, as_json=as_json)
    if group_by and not as_json:
        note(f"in brackets: the 95 % interval; few: under {answer['least']} calls")


@app.command()
@of_telemetry
def facets(chosen: Chosen, as_json: JsonOption = False) -> None:
    """What the calls consist of: people, tools, models, outcomes."""
    answer = _asked("facets", chosen)
    if as_json:
        show_json(answer)
    else:
        session_tables.facets(answer, counted="calls")


@app.command()
@of_telemetry
def pivot(
    chosen: Chosen,
    rows: Annotated[
        str, typer.Option("--rows", metavar="FIELD", help=f"One of {GROUPS}.")
    ] = "username",
    columns: Annotated[
        str, typer.Option("--columns", metavar="FIELD", help="As for --rows.")
    ] = "tool_name",
    measure: Annotated[
        str, typer.Option("--measure", metavar=MEASURES, help="What is counted.")
    ] = "invocations",
    limit: LimitOption = 50,
    columns_limit: Annotated[
        int, typer.Option("--columns-limit", min=1, max=200, help="Columns; the rest are summed.")
    ] = 30,
    as_json: JsonOption = False,
) -> None:
    """One field against another, most used first; `other` sums what is beyond the limits."""
    given = {"rows": rows, "columns": columns, "measure": measure}
    answer = _asked("pivot", chosen, **given, limit=limit, columns_limit=columns_limit)
    if as_json:
        show_json(answer)
    elif answer["rows"]:
        telemetry_tables.pivot(answer)
    else:
        say_nothing("calls", chosen)


@app.command()
@of_telemetry
def export(
    chosen: Chosen,
    format: FormatOption = Format.CSV,
    output: OutputOption = "-",
    group_by: Annotated[
        str | None,
        typer.Option("--group-by", metavar="FIELD", help="The table of `query --group-by`."),
    ] = None,
    pivoted: Annotated[
        str | None,
        typer.Option("--pivot", metavar="ROWS,COLUMNS[,MEASURE]", help="The table of `pivot`."),
    ] = None,
    sort: Annotated[
        str | None, typer.Option("--sort", metavar="KEY:DIR", help="Of groups.")
    ] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, max=1000, help="Rows of --pivot by name.")
    ] = None,
    columns_limit: Annotated[
        int | None, typer.Option("--columns-limit", min=1, max=200, help="Its columns by name.")
    ] = None,
) -> None:
    """Every call of the filter, or a table made of them, into a file or to standard output."""
    from console.client import connect

    if group_by is not None and pivoted is not None:
        raise WrongUse(f"--group-by {group_by} goes without --pivot {pivoted}")
    place = place_of(output, format)
    given = {
        "group_by": group_by,
        "pivot": pivoted,
        "sort": sort,
        "limit": limit,
        "columns_limit": columns_limit,
    }
    with connect() as client:
        params = {**asked(client, chosen), "format": format.value}
        params |= {name: str(one) for name, one in given.items() if one is not None}
        with client.stream(f"{BASE}/export", params) as download:
            write_export(download, format, place)


@app.command()
def popularity(
    kind: Annotated[Kind, typer.Option("--kind", help="Of what.")] = Kind.SKILLS,
    sort: Annotated[By, typer.Option("--sort", help="What comes first.")] = By.USED,
    limit: LimitOption = 50,
    as_json: JsonOption = False,
) -> None:
    """What is used most in 30 days, what gains, and what nobody uses."""
    from console.client import connect

    given = {"kind": kind.value, "sort": sort.value, "limit": limit}
    with connect() as client:
        answer = client.request("GET", f"{BASE}/popularity", params=given)
    if as_json:
        show_json(answer)
    else:
        telemetry_tables.popularity(answer)


@app.command()
@of_telemetry
def cost(chosen: Chosen, as_json: JsonOption = False) -> None:
    """Tokens by model, and what they cost at the prices of a day."""
    answer = _asked("cost", chosen)
    if as_json:
        show_json(answer)
    elif answer["rows"]:
        telemetry_tables.cost(answer)
    else:
        say_nothing("sessions with tokens", chosen)


@app.command()
def reprocess(
    session: Annotated[
        str | None,
        typer.Option("--session", metavar="SESSION", help="Only this one; all by default."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Forget what was made of the transcripts; all of it is made anew."""
    from console.client import SLOW, connect

    with connect() as client:
        body = {}
        if session is not None:
            body["session_file"] = of_anybody(client, session, None).session_file
        answer = client.request("POST", f"{BASE}/reprocess", json=body, timeout=SLOW)
    if as_json:
        show_json(answer)
    else:
        telemetry_tables.forgotten(answer["deleted"])
        note("made anew with the next run of the session jobs: `agnes jobs list` says when")


@app.command()
def prune(as_json: JsonOption = False) -> None:
    """Delete the events that are older than USAGE_EVENTS_RETENTION_DAYS."""
    from console.client import SLOW, connect

    with connect() as client:
        answer = client.request("POST", f"{BASE}/prune", json={}, timeout=SLOW)
    if as_json:
        show_json(answer)
    else:
        telemetry_tables.pruned(answer)


usage.registered_commands = app.registered_commands


def _asked(endpoint: str, chosen: Chosen, **more: Any) -> dict[str, Any]:
    from console.client import connect

    with connect() as client:
        params = {**asked(client, chosen), **more}
        return client.request("GET", f"{BASE}/{endpoint}", params=params)
