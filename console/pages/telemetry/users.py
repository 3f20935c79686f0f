"""The tab Users: how many people use tools, who they are, and who uses what."""

from __future__ import annotations

from datetime import date
from typing import Any

from console import links
from console.audit import new_id
from console.pages.telemetry import pivot, words
from console.pages.telemetry.groups import narrowing
from console.pages.telemetry.reading import Reading
from console.queries.telemetry_filter import NONE
from console.telemetry import Row
from console.telemetry import people as telemetry_people

PEOPLE = 20  # of one page of the list
ORDER = "invocations:desc"
# What the list is sorted by, its title, whether it is left out on a narrow screen.
COLUMNS = (
    ("invocations", "Calls", False),
    ("distinct_tools", "Tools", True),
    ("distinct_sessions", "Sessions", True),
    ("error_rate", "Errors", False),
    ("last_at", "Last call", True),
)


def read(reading: Reading) -> dict[str, Any]:
    """The figures, a page of `list` and the `pivot`; `days`, newest first, with the query that
    looks at nothing else. `mark` says which chart was drawn of these figures: none without any."""
    state, reader, filter = reading.state, reading.reader, reading.filter
    found = telemetry_people.people(reader, filter)
    sort = telemetry_people.sort_of(state.sort or ORDER)
    each = telemetry_people.each(reader, filter, sort, PEOPLE, state.offset)
    return {
        **found,
        "mark": new_id() if found["users"] else None,
        "accounts": reader.instance.people.active(),
        "days": [_day(reading, day) for day in reversed(found["dau_series"])],
        "list": {**each, "rows": [_row(reading, row) for row in each["rows"]]},
        "columns": COLUMNS,
        "sort": sort,
        "links": _links(reading, each),
        "pivot": pivot.read(reading),
    }


def _day(reading: Reading, day: Row) -> Row:
    only = reading.state.url(**narrowing(reading, "day", day["day"]))
    return {**day, "at": date.fromisoformat(day["day"]), "only": only}


def _row(reading: Reading, row: Row) -> Row:
    """`page`: of the person, for who may open it; `url` narrows everything to their calls."""
    id, state = row["bucket"], reading.state
    chosen = NONE if id is None else id
    email, name = reading.reader.name(id)
    return {
        **row,
        "name": name or email or words.label("user", id),
        "title": email or id or "calls that name nobody",
        "on": state.has(user_id=chosen),
        "url": state.toggled("user_id", chosen),
        "failed": state.url(user_id=chosen, outcome="error", tab=None, sort=None),
        "page": links.home("user", id, reading.reader.principal) if email else None,
    }


def _links(reading: Reading, each: Row) -> dict[str, str]:
    url, found = reading.state.url, {}
    if reading.state.offset:
        before = max(0, reading.state.offset - PEOPLE)
        found["previous"] = url(offset=str(before) if before else None)
    if each["next_offset"] is not None:
        found["next"] = url(offset=str(each["next_offset"]))
    return found
