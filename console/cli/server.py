"""The commands that run or prepare the server: `serve`, `demo`, `init`, `migrate`.

They open the data file themselves, so no server may hold it.
"""

from __future__ import annotations

import os
import shutil
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from console.cli.exits import WrongUse
from console.cli.output import JsonOption, note, say, show_json
from console.cli.text import plain

if TYPE_CHECKING:
    from console.instance import Instance
    from console.settings import Settings
    from schema.store import Store

DataDir = Annotated[
    Path | None,
    typer.Option("--data-dir", help="The data folder; default AGNES_DATA_DIR."),
]
Host = Annotated[str, typer.Option("--host", help="Address to listen on.")]
Port = Annotated[int, typer.Option("--port", min=0, max=65535, help="Port; 0 takes a free one.")]
DEMO = {"audit_rows": 20_000, "sessions": 60, "usage_events": 8_000, "users": 24}
STALE = timedelta(hours=1)  # older demo data would show a sick instance


def _settings(data_dir: Path | None) -> Settings:
    from console.settings import Settings

    os.umask(0o077)  # whatever these commands make is for this user only
    return Settings(AGNES_DATA_DIR=str(data_dir or ""))


def serve(host: Host = "127.0.0.1", port: Port = 8000, data_dir: DataDir = None) -> None:
    """Run the console until it is told to stop (Ctrl-C, SIGTERM).

    While nobody can sign in, it prints a link that works once, for 15 minutes.
    """
    _run(_settings(data_dir), host, port, always_link=False)


def demo(
    host: Host = "127.0.0.1",
    port: Port = 8000,
    data_dir: DataDir = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Throw the old demo data away.")] = False,
) -> None:
    """Run a console with demo data and print a sign-in link.

    The data lie in a folder of their own and are made anew when nothing happened for an hour.
    """
    from platformdirs import user_data_path

    settings = _settings(data_dir or user_data_path("agnes") / "demo")
    _prepare_demo(settings, fresh=fresh)
    _run(settings, host, port, always_link=True)


def _run(settings: Settings, host: str, port: int, *, always_link: bool) -> None:
    from console import app, logs

    logs.configure(settings.log_level, settings.log_format)

    def ready(instance: Instance, address: str) -> None:
        link = app.sign_in_link(instance, always=always_link)
        place = settings.public_url or address  # where people can open it
        if link is None:
            say(f"Agnes Console is ready: {place}/")
        else:
            say(f"Agnes Console is ready: {place}/login?link={link.secret}")
            say(f"This link signs you in as {plain(link.email)}, once, for 15 minutes.")
        if place != address:
            say(f"It listens at {address}")
        say("Stop with Ctrl-C.")
        sys.stdout.flush()

    try:
        app.serve(settings, host=host, port=port, ready=ready)
    except OSError as error:
        if error.errno not in (
            98,
            48,
            13,
            99,
        ):  # in use (Linux, macOS), not allowed, no such address
            raise
        raise WrongUse(
            f"cannot listen on {host}:{port}: {error.strerror}",
            detail="Choose another with --port (0 takes any free one) or --host.",
        ) from None


def _prepare_demo(settings: Settings, *, fresh: bool) -> None:
    from console.audit import now
    from ingest.seed import seed
    from schema.store import Store

    folder = settings.folder
    newest = None
    if settings.database.exists():
        store = Store(settings.database, say=note)  # also proves that no server runs on it
        try:
            newest = _newest_event(store)
        finally:
            store.close()
    if fresh or newest is None or now() - newest > STALE:
        if (folder / "agnes.duckdb").exists():
            note(f"making the demo data in {folder} anew")
            shutil.rmtree(folder)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        store = Store(settings.database)
        try:
            seed(store, folder, **DEMO, seed=1, until=now(), say=lambda text: None)
        finally:
            store.close()


def _newest_event(store: Store) -> datetime | None:
    from schema.table import rows_of
    from schema.tables import AUDIT_LOG

    events = rows_of(AUDIT_LOG)
    (newest,) = store.read(events.aggregate(at=events.timestamp.max())).to_pylist()
    at: datetime | None = newest["at"]
    return at


def init(
    email: Annotated[str, typer.Option("--email", help="E-mail of the first admin.")],
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
    data_dir: DataDir = None,
    as_json: JsonOption = False,
) -> None:
    """Make the first admin, with a token for the terminal."""
    from console import app
    from console.identity.first_admin import create_first_admin

    password = sys.stdin.readline().rstrip("\r\n") if password_stdin else None
    instance = app.open_instance(_settings(data_dir), say=note)
    try:
        made = create_first_admin(instance.store, email, password)
    finally:
        instance.store.close()
    if as_json:
        show_json({"user_id": made.user_id, "token": made.token})
        return
    say(f"{plain(email)} is the first admin, with the id {made.user_id}.")
    say(f"Token, shown only now: {made.token}")


def migrate(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done; change nothing.")
    ] = False,
    data_dir: DataDir = None,
) -> None:
    """Bring the data file to this release's form. A copy is kept beside it."""
    import duckdb

    from schema import migrate as steps
    from schema.engine import held_or_unreadable
    from schema.store import open_migrated

    path = _settings(data_dir).database
    if not path.exists():
        say(f"no database at {path}; `agnes serve` or `agnes init` makes one in its newest form")
        return
    try:
        with duckdb.connect(str(path), read_only=True) as con:
            waiting = steps.pending(con)
    except duckdb.IOException as error:
        raise held_or_unreadable(path, error) from None
    if not waiting:
        say(f"{path} is in its newest form")
        return
    for step in waiting:
        say(f"{'would apply' if dry_run else 'to apply'}: {step.version:04d} {step.name}")
    if not dry_run:
        open_migrated(path, say=say).close()
        say(f"{path} is in its newest form now")
