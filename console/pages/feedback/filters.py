"""The search box, the chips of what else is filtered, and what to do where nothing is found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from console.pages.chosen import chips
from console.pages.feedback.reading import Reading
from console.pages.feedback.state import ANY
from console.pages.feedback.words import NAMES, STATUSES, label
from console.queries.audit_grammar import WINDOW

_PLACED = (*WINDOW, "q", "status")  # what has a place of its own beside the chips


@dataclass(frozen=True)
class Empty:
    """Where nothing is found: what was asked for, and the queries of what can be done. `shorter`:
    what goes, and the query without it."""

    is_narrowed: bool
    status: str | None
    shorter: tuple[str, str] | None
    any_status: str | None
    all_time: str | None


def read(reading: Reading) -> dict[str, Any]:
    """`chips`; `hidden`: what else of the state a search keeps; `empty`, None where the filter
    could not be read."""
    state, people = reading.state, reading.reader.instance.people

    def said(name: str, text: str) -> str:
        person = people.get(text) if name in ("assignee", "reporter") else None
        return person.label if person else label(name, text)

    on = list(chips(state, people, reading.caller.me, placed=_PLACED, names=NAMES, said=said))
    shorter = (f"{on[-1].name}: {on[-1].text}", on[-1].url) if on else None
    if not on and "q" in state.given:
        shorter = state.given["q"], state.url(q=None)
    status = state.wanted.get("status")
    window = dict.fromkeys(WINDOW) if state.window else None
    return {
        "chips": on,
        "hidden": parse_qsl(state.url(q=None).removeprefix("?")),
        "empty": Empty(
            is_narrowed=bool(state.wanted),
            status=STATUSES.get(status) if status else None,
            shorter=shorter,
            any_status=state.url(status=ANY) if status else None,
            all_time=state.url(**window) if window else None,
        )
        if reading.is_known
        else None,
    }
