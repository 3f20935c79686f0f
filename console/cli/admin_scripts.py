"""`agnes admin scripts …`: notebooks and Python files that run as somebody when they are due."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from console.cli.exits import FAILED, WrongUse
from console.cli.lazy import noun
from console.cli.listing import (
    LimitOption,
    OffsetOption,
    SearchOption,
    show_list,
    show_one,
    user_id,
)
from console.cli.output import (
    Column,
    JsonOption,
    Row,
    dash,
    field,
    say,
    show_json,
    time_field,
)
from console.cli.text import plain

PATH = "/api/admin/scripts"

app = noun(
    "Notebooks and Python files of AGNES_SCRIPTS_DIR that run as their owner when they are due."
    " Their runs: `agnes jobs runs --job script.NAME`. Without a command: list."
)

ScriptArgument = Annotated[str, typer.Argument(metavar="SCRIPT", help="A script's id or name.")]
OwnerOption = Annotated[
    str | None, typer.Option("--owner", metavar="USER", help="As whom it runs: id or e-mail.")
]
ScheduleOption = Annotated[
    str | None, typer.Option("--schedule", help="`every 6h`, or cron in UTC; empty for never.")
]
TimeOption = Annotated[int | None, typer.Option("--timeout", help="Seconds that it may take.")]
MemoryOption = Annotated[int | None, typer.Option("--memory", help="MB that it may take.")]
AboutOption = Annotated[str | None, typer.Option("--description", help="What it does.")]
EnabledOption = Annotated[
    bool | None, typer.Option("--enabled/--disabled", help="Whether it runs when it is due.")
]


def _status(row: Row) -> str:
    return dash((row.get("last_run") or {}).get("status"))


COLUMNS = (
    Column("NAME", field("name"), floor=10),
    Column("FILE", field("path"), floor=12, drop=2),
    Column("AS", field("owner_email"), floor=10),
    Column("WHEN", field("schedule")),
    Column("NEXT", time_field("next_due"), drop=1),
    Column("LAST", _status, style=lambda row: "red" if _status(row) == "failed" else ""),
    Column("ON", field("enabled"), drop=3),
    Column("ID", field("id"), drop=4),
)


@app.command("list")
def list_scripts(
    search: SearchOption = None,
    limit: LimitOption = None,
    offset: OffsetOption = 0,
    as_json: JsonOption = False,
) -> None:
    """All of them: when each runs, and how it went."""
    from console.client import connect

    with connect() as client:
        answer = client.scripts.list(limit=limit, offset=offset, q=search)
    show_list("scripts", COLUMNS, answer, as_json=as_json)


@app.command()
def show(script: ScriptArgument, as_json: JsonOption = False) -> None:
    """One script."""
    from console.client import connect

    with connect() as client:
        row = client.scripts.show(_id(client, script))
    show_one(row if as_json else {**row, "last_run": _status(row)}, as_json=as_json)


@app.command()
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What its runs are called.")],
    path: Annotated[
        str, typer.Argument(metavar="FILE", help="A .ipynb or .py inside AGNES_SCRIPTS_DIR.")
    ],
    owner: OwnerOption = None,
    schedule: ScheduleOption = None,
    timeout: TimeOption = None,
    memory: MemoryOption = None,
    description: AboutOption = None,
    enabled: EnabledOption = None,
    as_json: JsonOption = False,
) -> None:
    """Register one. Without --owner it runs as you."""
    from console.client import connect

    with connect() as client:
        row = client.scripts.create(
            name=name,
            path=path,
            owner=None if owner is None else user_id(client, owner),
            schedule=schedule,
            timeout_seconds=timeout,
            memory_mb=memory,
            description=description,
            enabled=enabled,
        )
    show_one(row, as_json=as_json)


@app.command()
def change(
    script: ScriptArgument,
    path: Annotated[str | None, typer.Option("--path", help="Another file.")] = None,
    owner: OwnerOption = None,
    schedule: ScheduleOption = None,
    timeout: TimeOption = None,
    memory: MemoryOption = None,
    description: AboutOption = None,
    enabled: EnabledOption = None,
    as_json: JsonOption = False,
) -> None:
    """Change what is named; the rest stays."""
    from console.client import connect

    given: dict[str, Any] = {
        "path": path,
        "owner": owner,
        "schedule": schedule,
        "timeout_seconds": timeout,
        "memory_mb": memory,
        "description": description,
        "enabled": enabled,
    }
    if all(value is None for value in given.values()):
        raise WrongUse("nothing to change", detail="give --schedule, --owner or another option")
    with connect() as client:
        if owner is not None:
            given["owner"] = user_id(client, owner)
        row = client.scripts.update(_id(client, script), **given)
    show_one({**row, "last_run": _status(row)} if not as_json else row, as_json=as_json)


@app.command()
def remove(script: ScriptArgument, as_json: JsonOption = False) -> None:
    """Forget one; its file and its runs stay."""
    from console.client import connect

    with connect() as client:
        client.scripts.delete(_id(client, script))
    if as_json:
        show_json({"id": script, "removed": True})
    else:
        say(f"removed the script {plain(script)}; its file stays")


@app.command()
def run(script: ScriptArgument, as_json: JsonOption = False) -> None:
    """Run one now, whatever its schedule says."""
    from console.client import connect, path_of

    with connect() as client:
        answer = client.request("POST", path_of(PATH, _id(client, script), "run"), json={})
    if as_json:
        show_json(answer)
    else:
        say(f"queued: {plain(answer['run_id'])}; next: agnes jobs logs {plain(answer['run_id'])}")


@app.command("run-due")
def run_due(
    wait: Annotated[
        int, typer.Option("--wait", min=0, max=3600, help="Seconds to wait for their end.")
    ] = 60,
    as_json: JsonOption = False,
) -> None:
    """Run all that is due, jobs of the schedule too. Exit 1 where one failed."""
    from console.client import connect

    with connect(timeout=wait + 60) as client:
        body = {"wait_seconds": wait}
        answer = client.request("POST", "/api/scripts/run-due", json=body)
    if as_json:
        show_json(answer)
    else:
        for word in ("ran", "skipped", "failed"):
            for one in answer[word]:
                why = one.get("error") or one.get("reason") or one.get("status")
                say(f"{word}: {plain(one['name'])}: {plain(why)}")
        if not any(answer[word] for word in ("ran", "skipped", "failed")):
            say("nothing is due")
    if answer["failed"]:
        raise typer.Exit(FAILED)


def _id(client: Any, script: str) -> str:
    """The id of the script whose id or name this is."""
    rows = client.scripts.list(q=script)["rows"]
    return next((str(row["id"]) for row in rows if row["name"] == script), script)
