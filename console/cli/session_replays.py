"""`agnes admin sessions show`, `agnes sessions show`: the replay of a session in the terminal."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from console.cli.exits import WrongUse
from console.cli.output import JsonOption, in_colour, note, on_terminal, say
from console.cli.replay import Source, Wanted, pages
from console.cli.replay_text import Line, Replay
from console.cli.session_names import FileArgument, SessionArgument, of_anybody, of_mine
from console.cli.text import json_text, plain

if TYPE_CHECKING:
    from console.client import Json

ErrorsOption = Annotated[
    bool, typer.Option("--errors", help="Only what failed or was found, and what is around it.")
]
FromOption = Annotated[
    int, typer.Option("--from-turn", metavar="TURN", min=0, help="Begin at this event.")
]
KindsOption = Annotated[
    str | None,
    typer.Option(
        "--kinds",
        metavar="A,B",
        help="Only these: prompts, answers, thinking, tools, errors, meta.",
    ),
]
EventsOption = Annotated[
    int | None, typer.Option("--limit", min=1, help="Events at most; all of them by default.")
]
FullOption = Annotated[bool, typer.Option("--full", help="Fold nothing.")]
ReasonOption = Annotated[
    str | None, typer.Option("--reason", help="Why you look; the person sees it.")
]


def show(
    session: SessionArgument,
    file: FileArgument = None,
    errors: ErrorsOption = False,
    from_turn: FromOption = 0,
    kinds: KindsOption = None,
    limit: EventsOption = None,
    full: FullOption = False,
    reason: ReasonOption = None,
    as_json: JsonOption = False,
) -> None:
    """Replay a session: its verdict, then every event in order. Read it with `| less -R`."""
    from console.client import connect

    wanted = _wanted(errors, from_turn, kinds, limit)
    with connect() as client:
        place = of_anybody(client, session, file)
        _replay(Source(client, place.base, reason), wanted, full=full, as_json=as_json)


def show_mine(
    session: SessionArgument,
    errors: ErrorsOption = False,
    from_turn: FromOption = 0,
    kinds: KindsOption = None,
    limit: EventsOption = None,
    full: FullOption = False,
    as_json: JsonOption = False,
) -> None:
    """Replay one of your sessions: its verdict, then every event in order."""
    from console.client import connect

    wanted = _wanted(errors, from_turn, kinds, limit)
    with connect() as client:
        source = Source(client, of_mine(client, session).base)
        _replay(source, wanted, full=full, as_json=as_json)


def _wanted(errors: bool, first: int, kinds: str | None, limit: int | None) -> Wanted:
    if errors and kinds is not None:
        raise WrongUse(
            f"--errors goes without --kinds {kinds}",
            detail="--kinds errors shows what failed and nothing around it",
        )
    return Wanted(first, kinds, errors, limit)


def _replay(source: Source, wanted: Wanted, *, full: bool, as_json: bool) -> None:
    found = pages(source, wanted)
    if as_json:
        _print_json(found)
        return
    width = shutil.get_terminal_size().columns if on_terminal(sys.stdout) else None
    replay = Replay(width=width, full=full, gaps=wanted.errors)
    shown, page = 0, next(found)
    _print(replay.head(page))
    while True:
        _print(replay.events(page["events"]))
        sys.stdout.flush()
        shown += len(page["events"])
        following = page["next"]
        if (page := next(found, {})) == {}:
            break
    if not shown:
        say(_nothing(wanted))
    elif following is not None:
        note(f"{shown:,} events; the next: --from-turn {following}")


def _nothing(wanted: Wanted) -> str:
    what = "nothing failed and nothing was found" if wanted.errors else "no event"
    what += f" of the kinds {plain(wanted.kinds)}" if wanted.kinds else ""
    return what + (f" from #{wanted.first} on" if wanted.first else "")


def _print(lines: Iterable[Line]) -> None:
    colour = in_colour()
    for line in lines:
        say(_coloured(line) if colour and line.style else line.text)


def _coloured(line: Line) -> str:
    words = line.style.split()
    colour = next((word for word in words if word not in ("bold", "dim")), None)
    return typer.style(line.text, fg=colour, bold="bold" in words, dim="dim" in words or None)


def _print_json(found: Iterator[Json]) -> None:
    """One object as the server answers it, with all events, written as they come."""
    page = next(found)
    head: dict[str, Any] = {
        name: value for name, value in page.items() if name not in ("events", "next")
    }
    say(json_text(head).removesuffix("\n}") + ',\n  "events": [')
    before, following = "", None
    while page:
        for event in page["events"]:
            if before:
                say(before)
            before = "    " + json_text(event).replace("\n", "\n    ")
            before += ","
        following = page["next"]
        page = next(found, {})
    if before:
        say(before.removesuffix(","))
    say(f'  ],\n  "next": {json_text(following)}\n}}')
