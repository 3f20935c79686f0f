"""What can be done with what is filtered: take the table or its calls along as a file, ask for the
same in a terminal or by a program, start again.

Every link holds the window as times, so that what leaves is what the page shows, however much later
somebody follows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from console import telemetry
from console.as_command import TELEMETRY_FLAGS, TELEMETRY_OPTIONS, command
from console.pages import takeaway
from console.pages.telemetry import words
from console.pages.telemetry.groups import BY, grouped_by, sorted_by
from console.pages.telemetry.reading import Reading
from console.session_filter import WINDOW

API = "/api/admin/telemetry"


@dataclass(frozen=True)
class Export:
    """What there is, and its links by format. `of_table`: the table, with a row for each group;
    else the calls."""

    what: str
    links: list[tuple[str, str]]
    of_table: bool = False


def read(reading: Reading) -> dict[str, Any]:
    """`exports`: the table as it is shown, all of its pages, where the tab has one that groups;
    and the calls themselves. `copies`: the same as a command and a request."""
    state, params = reading.state, held(reading)
    exports, asked = [], params
    if state.tab in BY:
        by = grouped_by(state)
        asked = {**params, "group_by": by, "sort": sorted_by(state, by)}
        exports.append(_export(f"This table, by {words.GROUPS[by].lower()}", asked, of_table=True))
    exports.append(_export("Every call, one a line", params))
    typed = command("admin telemetry query", asked, TELEMETRY_OPTIONS, TELEMETRY_FLAGS)
    return {"exports": exports, "copies": takeaway.copies(typed, f"{API}/query", asked)}


def held(reading: Reading) -> dict[str, str]:
    """The filter's parameters, with the window that they mean now as times."""
    since, until = telemetry.ends(reading.filter)
    kept = {name: text for name, text in reading.given.items() if name not in WINDOW}
    return {**kept, "since": f"{since.isoformat()}Z", "until": f"{until.isoformat()}Z"}


def _export(what: str, params: Mapping[str, str], *, of_table: bool = False) -> Export:
    return Export(what, takeaway.exports(f"{API}/export", params), of_table)
