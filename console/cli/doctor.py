"""`agnes doctor`: is this machine fit to run the console, and is the way to it?"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from console.cli.output import JsonOption, say, show_json
from console.cli.text import plain

if TYPE_CHECKING:
    from console.doctor import Diagnosis

_MARKS = {"ok": "[ok]", "warning": "[!] ", "severe": "[!!]"}


def doctor(
    data_dir: Annotated[
        Path | None,
        typer.Option("--data-dir", help="The data folder; default AGNES_DATA_DIR."),
    ] = None,
    url: Annotated[
        str | None,
        typer.Option("--url", help="Look at the way instead: ask under the address people use."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check this machine and its data. Exit 1 when something is wrong.

    With --url it asks the console through its proxy: TLS, forwarded addresses, websockets, cookies,
    clocks.
    """
    found = _way(url) if url else _machine(data_dir)
    if as_json:
        show_json([diagnosis.as_dict() for diagnosis in found])
    else:
        width = max(len(diagnosis.check) for diagnosis in found)
        for diagnosis in found:
            mark = _MARKS[diagnosis.level]
            say(f"{mark} {diagnosis.check:<{width}} {plain(diagnosis.message)}")
            if diagnosis.mend:
                say(f"     {'':<{width}} {plain(diagnosis.mend)}")
    if any(diagnosis.level != "ok" for diagnosis in found):
        raise typer.Exit(1)


def _way(url: str) -> list[Diagnosis]:
    from console.credentials import address_of
    from console.doctor.proxy import through

    return through(address_of(url, name="--url"))


def _machine(data_dir: Path | None) -> list[Diagnosis]:
    """Also where a setting cannot be read: then with its default, and the check says so."""
    from console import doctor as room
    from console.doctor.configured import unreadable
    from console.settings import Settings

    bad = unreadable(os.environ)
    environ = {name: text for name, text in os.environ.items() if name not in bad}
    settings = Settings(environ, AGNES_DATA_DIR=str(data_dir or ""))
    patient = room.Patient(
        settings.folder, settings.database, settings=settings, environ=os.environ
    )
    return room.examine(patient)
