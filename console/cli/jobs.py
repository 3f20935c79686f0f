"""`agnes jobs …`: scheduled notebooks, their runs, and running one now."""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer

from console.cli.exits import FAILED, WrongUse
from console.cli.lazy import noun
from console.cli.listing import OffsetOption, show_list, show_one
from console.cli.output import (
    Column,
    JsonOption,
    Row,
    dash,
    field,
    note,
    say,
    show_json,
    time_field,
)
from console.cli.text import plain_lines
from schema.errors import NotFound

if TYPE_CHECKING:
    from console.client import Client

app = noun("Scheduled notebooks and their runs. Without a command: list.")

PATH = "/api/admin/jobs"
OVER = ("ok", "failed", "cancelled", "skipped")
PAUSE = 1.0  # seconds between two looks at a run
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)

JobArgument = Annotated[str, typer.Argument(metavar="JOB", help="A job's name.")]
RunArgument = Annotated[
    str, typer.Argument(metavar="RUN", help="A run's id, or a job's name for its latest run.")
]
WaitOption = Annotated[
    bool, typer.Option("--wait", help="Wait for its end; exit 1 unless it went well.")
]


def _status(row: Row) -> str:
    last = row.get("last_run") or {}
    return "running" if row.get("running") else dash(last.get("status"))


def _seconds(row: Row) -> str:
    spent = row.get("duration_ms")
    return dash(None if spent is None else f"{spent / 1000:.1f} s")


JOBS = (
    Column("JOB", field("name")),
    Column("TITLE", field("title"), floor=12, drop=3),
    Column("WHEN", field("schedule")),
    Column("NEXT", time_field("next_run"), drop=2),
    Column("PENDING", field("pending"), right=True, drop=4),
    Column("LAST", _status),
    Column("AT", lambda row: time_field("queued_at")(row.get("last_run") or {}), drop=1),
)
RUNS = (
    Column("JOB", field("job")),
    Column("STATUS", field("status")),
    Column("QUEUED", time_field("queued_at"), drop=1),
    Column("TOOK", _seconds, right=True),
    Column("WHY", field("trigger"), drop=3),
    Column("ERROR", field("error"), floor=12),
    Column("ID", field("id"), drop=2),
)


@app.command("list")
def list_jobs(as_json: JsonOption = False) -> None:
    """Every job: when it runs, what waits, how it went."""
    from console.client import connect

    with connect() as client:
        answer = client.request("GET", PATH)
    show_list("jobs", JOBS, answer, as_json=as_json)


@app.command()
def runs(
    job: Annotated[str | None, typer.Option("--job", help="Only runs of this job.")] = None,
    status: Annotated[
        str | None, typer.Option("--status", help="Only runs with this status.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="Runs at most.")] = 20,
    offset: OffsetOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Runs, newest first."""
    from console.client import connect

    given = {"job": job, "status": status, "limit": limit, "offset": offset}
    params = {name: value for name, value in given.items() if value is not None}
    with connect() as client:
        answer = client.request("GET", f"{PATH}/runs", params=params)
    show_list("runs", RUNS, answer, as_json=as_json)


@app.command()
def show(run: RunArgument, as_json: JsonOption = False) -> None:
    """One run: how it went, and which files are kept of it."""
    from console.client import connect

    with connect() as client:
        row = client.request("GET", _path(client, run))
    if not as_json:
        files = row["files"]
        kept = [name for name in ("notebook", "html", "log") if files[name]]
        row |= {
            "parameters": json.dumps(row["parameters"]),
            "files": ", ".join([*kept, *files["figures"]]),
        }
    show_one(row, as_json=as_json)


@app.command("run")
def run_job(
    job: JobArgument,
    parameters: Annotated[
        list[str] | None,
        typer.Option("--parameter", "-p", metavar="NAME=VALUE", help="VALUE is JSON, or a text."),
    ] = None,
    wait: WaitOption = False,
    as_json: JsonOption = False,
) -> None:
    """Run a job now."""
    from console.client import connect

    body = {"parameters": dict(map(_parameter, parameters or []))}
    with connect() as client:
        answer = client.request("POST", f"{PATH}/{quote(job, safe='')}/run", json=body)
        _begun(client, answer, wait=wait, as_json=as_json)


@app.command()
def retry(run: RunArgument, wait: WaitOption = False, as_json: JsonOption = False) -> None:
    """Run again what ran before, with the same parameters."""
    from console.client import connect

    with connect() as client:
        answer = client.request("POST", f"{_path(client, run)}/retry")
        _begun(client, answer, wait=wait, as_json=as_json)


@app.command()
def cancel(run: RunArgument, as_json: JsonOption = False) -> None:
    """End a run that waits or goes on."""
    from console.client import connect

    with connect() as client:
        answer = client.request("POST", f"{_path(client, run)}/cancel")
    show_one(answer, as_json=as_json)


@app.command()
def compare(
    one: RunArgument,
    other: Annotated[str, typer.Argument(metavar="OTHER", help="Another run's id.")],
    as_json: JsonOption = False,
) -> None:
    """Two runs of a job: parameters, duration, asserts, and where their outputs differ."""
    from console.cli import job_compare
    from console.client import connect

    with connect() as client:
        path, first = _path(client, other), _path(client, one).rpartition("/")[2]
        both = client.request("GET", f"{path}/compare", params={"with": first})
    show_json(both) if as_json else job_compare.show(both)


@app.command()
def logs(
    run: RunArgument,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on until the run is over.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """What a run said: each cell and its output."""
    from console.client import connect

    with connect() as client:
        path = _path(client, run)
        if not follow:
            text = _log(client, path)
            show_json({"log": text}) if as_json else say(plain_lines(text.rstrip("\n")))
            return
        row = _followed(client, path)
    show_json(row) if as_json else note(f"{row['status']}: {row['error'] or row['id']}")


def _followed(client: Client, path: str) -> Row:
    """Print a run's log as it grows, until the run is over; its row then."""
    shown = 0
    while True:
        row = client.request("GET", path)
        over = row["status"] in OVER
        try:
            text = _log(client, path)
        except NotFound:
            text = ""  # it waits, and has no log yet
        # A line is printed once it is whole: only then has the server seen all of a secret in it.
        end = len(text) if over else text.rfind("\n") + 1
        if end > shown:
            say(plain_lines(text[shown:end].rstrip("\n")))
            shown = end
        if over:
            return row
        time.sleep(PAUSE)


def _begun(client: Client, answer: Row, *, wait: bool, as_json: bool) -> None:
    """Say which run has begun; with `wait` how it ended, and fail with it."""
    row = answer
    path = f"{PATH}/runs/{answer['run_id']}"
    while wait and (row is answer or row["status"] not in OVER):
        time.sleep(PAUSE)
        row = client.request("GET", path)
    show_one(row, as_json=as_json)
    if wait and row["status"] != "ok":
        raise typer.Exit(FAILED)


def _log(client: Client, path: str) -> str:
    with client.stream(f"{path}/log", {}) as download:
        return b"".join(download.chunks).decode("utf-8", "replace")


def _path(client: Client, run: str) -> str:
    """The address of a run, named by its id or by its job. Raises NotFound."""
    if not _ID.fullmatch(run):
        # At most one run of a job is kept that was passed over: it is not the one that is meant.
        found = client.request("GET", f"{PATH}/runs", params={"job": run, "limit": 2})["rows"]
        if not found:
            raise NotFound(f"{run} has not run yet", detail="See `agnes jobs list`.")
        run = next((row for row in found if row["status"] != "skipped"), found[0])["id"]
    return f"{PATH}/runs/{run}"


def _parameter(text: str) -> tuple[str, Any]:
    """`days=["2026-01-31"]` as a name and a value; what is not JSON is a text."""
    name, sign, value = text.partition("=")
    if not sign or not name:
        raise WrongUse(f"--parameter {text} is not NAME=VALUE")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value
