"""`agnes admin feedback …`: the inbox of reports. It asks and prints; the server decides."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from console.cli import feedback_tables
from console.cli.exits import WrongUse
from console.cli.filters import Chosen, Filter, filtered_by, typed
from console.cli.lazy import noun
from console.cli.listing import CursorOption, cursor_of
from console.cli.output import JsonOption, note, on_terminal, say, show_json, show_table
from console.cli.prompts import ask
from console.cli.session_filters import FINDINGS
from console.cli.text import plain, plain_lines
from console.cli.window import YEAR
from schema.errors import NotFound

if TYPE_CHECKING:
    from console.client import Client, Json

app = noun("Reports that people have sent. Without a command: list.")
PATH = "/api/admin/feedback"
STATUSES = "open|triaged|resolved|wontfix"
SORTS = "last_at, created_at, updated_at, duplicates, reporters, status, category"
_WHOLE = 36  # letters of an id
_FILTERS = (
    Filter(("--since",), "", "Sent from then on: 30m, 24h, 7d, minutes, or a time (UTC).", "WHEN"),
    Filter(("--until",), "", "Up to then: a time (UTC). --since counts back from it.", "TIME"),
    Filter(("--status",), "status", "How its group stands.", STATUSES),
    Filter(("--category",), "category", "What it is about; none: without one."),
    Filter(("--tag",), "tag", "With this tag; none: without any."),
    Filter(("--assignee",), "assignee", "Who takes care: an id, an e-mail, me or none.", "USER"),
    Filter(("--reporter",), "reporter", "Who sent it: an id, an e-mail or me.", "USER"),
    Filter(("--fingerprint",), "fingerprint", "Reports of the same.", "HASH"),
    Filter(("--session",), "session_file", "About this session.", "USER/FILE"),
    Filter(("--with-session",), "has_session", "Whether it is about a session.", "true|false"),
    Filter(("--finding",), "finding", "Only where such a thing was found.", FINDINGS),
    Filter(("--search", "-q"), "q", "Text in message, error or answer; case is ignored."),
)
filtered = filtered_by(_FILTERS, longest=YEAR)

IdArgument = Annotated[
    str, typer.Argument(metavar="ID", help="Of a report; its first letters are enough.")
]
VersionOption = Annotated[
    int | None, typer.Option("--version", help="Only if it still has this version.")
]


@app.command("list")
@filtered
def list_reports(
    chosen: Chosen,
    each: Annotated[
        bool, typer.Option("--each", help="Every report, not one line for each group.")
    ] = False,
    sort: Annotated[
        str | None, typer.Option("--sort", metavar="KEY:DIR", help=f"KEY is one of {SORTS}.")
    ] = None,
    cursor: CursorOption = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=200, help="Rows.")] = 50,
    as_json: JsonOption = False,
) -> None:
    """Groups of reports, those first of which one came last."""
    from console.client import connect

    params = {**chosen.params(), **cursor_of(cursor), "limit": str(limit)}
    params |= {"heads": "false"} if each else {}
    params |= {"sort": sort} if sort else {}
    with connect() as client:
        answer = client.request("GET", PATH, params=params)
    if as_json:
        show_json(answer)
        return
    rows, nouns = answer["rows"], "reports" if each else "groups"
    if not rows:
        given = " ".join(plain(word) for word in chosen.words())
        say(f"no {nouns}" + (f" with {given}" if given else ""))
        return
    show_table(feedback_tables.LISTED, rows)
    note(f"{len(rows)} of {answer['total']:,} {nouns}; one of them: agnes admin feedback show ID")
    if following := answer["next_cursor"]:
        place = shlex.quote(f"{following['ts']},{following['id']}")
        words = [*chosen.words(), *typed({"--each": each, "--sort": sort, "--limit": limit})]
        note(" ".join(["more: agnes admin feedback list", *words, "--cursor", place]))


@app.command()
def show(
    report: IdArgument,
    excerpt: Annotated[
        bool, typer.Option("--excerpt", help="Only the part of the session that came along.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """One report with its history and the others of its group."""
    from console.client import connect

    with connect() as client:
        answer = _one(client, report)
    if as_json:
        show_json(answer)
    elif excerpt:
        say(plain_lines(answer["session_excerpt"] or "no part of a session came along"))
    else:
        feedback_tables.show(answer)


@app.command("set")
def set_report(
    report: IdArgument,
    status: Annotated[
        str | None, typer.Option("--status", metavar=STATUSES, help="How it stands.")
    ] = None,
    assignee: Annotated[
        str | None, typer.Option("--assignee", metavar="USER", help="An id, an e-mail, me or none.")
    ] = None,
    tag: Annotated[
        list[str] | None, typer.Option("--tag", help="Its tags from now on; '' for none.")
    ] = None,
    resolution: Annotated[
        str | None, typer.Option("--resolution", help="The answer to whoever sent it; '' for none.")
    ] = None,
    fixed_in: Annotated[
        str | None, typer.Option("--fixed-in", metavar="VERSION", help="'' for none.")
    ] = None,
    category: Annotated[str | None, typer.Option("--category", help="'' for none.")] = None,
    version: VersionOption = None,
    as_json: JsonOption = False,
) -> None:
    """Change a report: of a group, its head. What is not named stays as it is."""
    from console.client import connect

    texts = {"resolution": resolution, "fixed_in": fixed_in, "category": category}
    change: Json = {name: text or None for name, text in texts.items() if text is not None}
    change |= {} if status is None else {"status": status}
    change |= {} if tag is None else {"tags": [word for word in tag if word]}
    if assignee is not None:
        change["assignee"] = None if assignee in ("", "none") else assignee
    if not change:
        raise WrongUse("nothing to change", detail="see agnes admin feedback set --help")
    with connect() as client:
        row = _one(client, report)
        seen = row["version"] if version is None else version
        body = {"version": seen, **change}
        answer = client.request("PATCH", f"{PATH}/{row['id']}", json=body)
    _changed(answer, as_json=as_json)


@app.command()
def merge(
    reports: Annotated[list[str], typer.Argument(metavar="ID...", help="These are the same as")],
    into: Annotated[str, typer.Option("--into", metavar="ID", help="this one.")],
    as_json: JsonOption = False,
) -> None:
    """Put reports, with their duplicates, into the group of another one."""
    from console.client import connect

    with connect() as client:
        ids = [_id(client, report) for report in reports]
        body = {"ids": ids, "into": _id(client, into)}
        answer = client.request("POST", f"{PATH}/merge", json=body)
    if as_json:
        show_json(answer)
        return
    many = len(answer["merged"])
    say(f"{many} {'report is' if many == 1 else 'reports are'} in the group of {answer['head']}")


@app.command()
def unmerge(report: IdArgument, version: VersionOption = None, as_json: JsonOption = False) -> None:
    """Take a report out of its group. Nothing joins it by itself from then on."""
    from console.client import connect

    with connect() as client:
        body: Json = {"id": _id(client, report)}
        body |= {} if version is None else {"version": version}
        answer = client.request("POST", f"{PATH}/unmerge", json=body)
    _changed(answer, as_json=as_json)


@app.command()
def delete(
    report: IdArgument,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Delete a report for good; the log keeps that it was there. Admins only."""
    from console.client import connect

    with connect() as client:
        row = _one(client, report)
        if not yes:
            message = plain(" ".join(row["message"].split()))[:200]
            if on_terminal(sys.stdin):
                say(f"{row['id']} of {feedback_tables.who(row, 'reporter')}: {message}")
            instead = "say that you mean it: --yes"
            if ask("delete it? Type `delete`", instead=instead) != "delete":
                raise WrongUse("nothing was deleted")
        client.request("DELETE", f"{PATH}/{row['id']}")
    if as_json:
        show_json({"id": row["id"], "deleted": True})
    else:
        say(f"deleted {row['id']}")


def _changed(report: Json, *, as_json: bool) -> None:
    if as_json:
        show_json(report)
    else:
        show_table(feedback_tables.LISTED, [report])


def _one(client: Client, report: str) -> Any:
    return client.request("GET", f"{PATH}/{_id(client, report)}")


def _id(client: Client, report: str) -> str:
    """The whole id of the report whose id begins so. Raises NotFound, WrongUse for several."""
    wanted = report.strip().lower()
    if len(wanted) >= _WHOLE:
        return wanted
    params = {"q": wanted, "heads": "false", "limit": "200"}
    rows = client.request("GET", PATH, params=params)["rows"] if wanted else []
    found = [str(row["id"]) for row in rows if row["id"].startswith(wanted)]
    if not found:
        raise NotFound(f"no report begins with {report}", detail="see `agnes admin feedback`")
    if len(found) > 1:
        raise WrongUse(f"{len(found)} reports begin with {report}", detail="give more letters")
    return found[0]
