"""`agnes report`: tell the admins what went wrong. Nothing leaves before a person has seen it.

A confirmed report is kept on this machine until the server has answered, so that neither a broken
line nor a killed process loses it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from console.cli import report_own
from console.cli.exits import FAILED, UNREACHABLE, WrongUse, code_of
from console.cli.lazy import noun
from console.cli.output import JsonOption, note, say, show_json
from console.cli.report_gather import Wanted, gathered
from console.cli.report_preview import Known, Terms, preview
from console.cli.text import plain
from schema.errors import AgnesError, BadRequest

if TYPE_CHECKING:
    from console.cli.report_draft import Draft
    from console.client import Client

app = noun(
    "Tell the admins what went wrong: your words, the last turns of your session, the versions.\n\n"
    "Secrets are cut out. You see the very bytes first, and type a word to send them.",
    first="send",
)

Json = dict[str, Any]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show it; send nothing, ask no server.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask. It is shown all the same.")]


@app.command()
def send(
    message: Annotated[
        str | None, typer.Option("--message", "-m", help="What happened; - reads it from a pipe.")
    ] = None,
    session: Annotated[
        Path | None, typer.Option("--session", metavar="FILE", help="Of another transcript.")
    ] = None,
    no_session: Annotated[bool, typer.Option("--no-session", help="Send no turn.")] = False,
    no_environment: Annotated[
        bool, typer.Option("--no-environment", help="Send no versions.")
    ] = False,
    turns: Annotated[
        int | None, typer.Option("--turns", min=1, help="How many turns; the last 50 by default.")
    ] = None,
    since_turn: Annotated[
        int | None, typer.Option("--since-turn", min=0, help="From this turn of the replay on.")
    ] = None,
    category: Annotated[str | None, typer.Option("--category", help="A word of your own.")] = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    flush: Annotated[
        bool, typer.Option("--flush", help="Send the confirmed reports that still wait.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Send a report, once you have seen it and said so."""
    wanted = Wanted(message, session, no_session, no_environment, turns, since_turn, category)
    if flush:
        if wanted != Wanted(None, None, False, False, None, None, None) or dry_run:
            raise WrongUse("--flush stands alone", detail="it sends what was confirmed before")
        _flush(as_json=as_json)
    elif dry_run:
        _dry_run(wanted, as_json=as_json)
    else:
        _send(wanted, yes=yes, as_json=as_json)


app.command("list")(report_own.list_reports)
app.command("show")(report_own.show)
app.command("amend")(report_own.amend)
app.command("delete")(report_own.delete)


def _dry_run(wanted: Wanted, *, as_json: bool) -> None:
    from console.cli.report_asked import kept_terms
    from console.credentials import current

    server, _ = current()
    draft = gathered(wanted, server)
    body = draft.body()
    terms = kept_terms(server)
    text = preview(draft, body, server=server, terms=terms, known=Known(None, asked=False))
    if as_json:
        show_json(_told("dry_run", draft, body) | {"server": server, "body": body.decode()})
        return
    say(text)
    note("a dry run: nothing was sent")


def _send(wanted: Wanted, *, yes: bool, as_json: bool) -> None:
    from console.cli.report_asked import kept_terms, known, terms
    from console.cli.report_dialog import confirmed, watched
    from console.client import connect

    if not (yes or watched()):
        raise WrongUse(
            "nothing was sent: there is no terminal to confirm on",
            detail="see it with --dry-run; --yes sends without a question",
        )
    with connect() as client:
        draft = gathered(wanted, client.server)
        found = terms(client)

        def text(draft: Draft) -> str:
            if isinstance(found, Terms):
                said, same = found, known(client, draft.fingerprint)
            else:
                said, same = kept_terms(client.server), Known(None, asked=False)
            return preview(draft, draft.body(), server=client.server, terms=said, known=same)

        if isinstance(found, AgnesError):
            note(f"{found.message}: once confirmed, the report is kept here until it can be sent")
        while True:
            if yes:
                typer.echo(text(draft), err=True)
            elif (agreed := confirmed(draft, text)) is not None:
                draft = agreed
            else:
                _not_sent(as_json=as_json)
            try:
                return _deliver(client, draft, as_json=as_json)
            except BadRequest as error:
                if not (draft.linked and "session_file" in error.message):
                    raise
                note("the server has no copy of this session any more: without the link it is")
                draft = draft.leave_out("link")


def _not_sent(*, as_json: bool) -> NoReturn:
    if as_json:
        show_json({"status": "not_sent"})
    note("nothing was sent, and nothing is kept")
    raise typer.Exit(FAILED)


def _deliver(client: Client, draft: Draft, *, as_json: bool) -> None:
    """Send what was confirmed; where the server cannot be reached it stays in the queue."""
    from console.cli.report_queue import forget, keep, offline, passing, post, waiting_note

    body = draft.body()
    try:
        file = keep(client.server, body)
    except OSError as error:  # a full disk: then it is sent now or not at all
        file = None
        note(f"it cannot be kept here: {error.strerror}")
    try:
        answer = post(client, body)
    except KeyboardInterrupt:
        if file:
            forget(file)
        note("interrupted while it was sent: see `agnes report list`; it is not kept here")
        raise
    except AgnesError as error:
        if file is None or not passing(error):
            if file:
                forget(file)
            raise
        if as_json:
            show_json(_told("queued", draft, body) | {"error": error.message})
        note(f"{error.message}. The report is kept: agnes report --flush sends it")
        raise typer.Exit(UNREACHABLE if offline(error) else code_of(error)) from error
    if file:
        forget(file)
    if as_json:
        show_json(_told("sent", draft, body) | answer)
    else:
        say(_thanks(answer, client.server))
    if said := waiting_note(client.server):
        note(said)


def _flush(*, as_json: bool) -> None:
    from console.cli.report_queue import flush, waiting_note
    from console.client import connect

    with connect() as client:
        done = flush(client)
        left = waiting_note(client.server)
    if as_json:
        show_json(
            {
                "sent": done.sent,
                "refused": [{"file": str(file), "error": why} for file, why in done.refused],
                "error": done.stopped.message if done.stopped else None,
                "note": left or None,
            }
        )
    else:
        for answer in done.sent:
            say(_thanks(answer, client.server))
        if not (done.sent or done.refused or left):
            say("no report waits")
    for file, why in done.refused:
        note(f"refused: {why}. It is kept as {file}, and not tried again")
    if left:
        note(left)
    if done.stopped:
        raise done.stopped
    if done.refused:
        raise typer.Exit(FAILED)


def _thanks(answer: Json, server: str) -> str:
    others = answer.get("duplicates") or 0
    lines = [f"sent as report {plain(answer.get('report_id', '?'))}"]
    if others:
        lines.append(f"{others} other{'s' if others > 1 else ''} reported the same")
    if answer.get("reopened"):
        lines.append("it was resolved before; your report has opened it again")
    if place := str(answer.get("status_url") or ""):
        whole = f"{server}{place}" if place.startswith("/") else place
        lines.append(f"what becomes of it: {plain(whole)}")
    return "\n".join(lines)


def _told(status: str, draft: Draft, body: bytes) -> Json:
    """What `--json` prints of a report, always of this shape and more."""
    excerpt = draft.sent_excerpt
    return {
        "status": status,
        "fingerprint": draft.fingerprint,
        "bytes": len(body),
        "turns": excerpt.count if excerpt else 0,
        "session": excerpt.session if excerpt else None,
        "environment": dict(draft.sent_environment),
        "redacted": draft.cuts.counts,
    }
