"""The cards: each a figure with its denominator, and a click that asks for more of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from console import telemetry
from console.pages import visits
from console.pages.chosen import Quick
from console.pages.render import iso
from console.pages.telemetry.body import BODIES
from console.pages.telemetry.groups import BY, grouped_by, usual
from console.pages.telemetry.reading import Reading
from console.pages.telemetry.state import TABS, TelemetryState, tab_word
from console.session_filter import FILTERS as OF_SESSIONS
from console.session_filter import WINDOW

APART = ("denied", "rejected", "interrupted", "unresolved")  # of kpis: no errors
SESSIONS_PAGE = "/admin/sessions"


def read(reading: Reading) -> dict[str, Any]:
    """The KPIs of the filter, `people`: how many have an account, `outcomes`: calls that did not
    fail and yet did not go well, `quick`: where the cards lead, `of`: what the tab is about, if it
    is not about all calls; `sessions_url` to the page of the sessions, for who may open it."""
    state = reading.state
    found = telemetry.kpis(reading.reader, reading.filter)
    quick = {
        "calls": _grouped(state, "day"),
        "people": _grouped(state, "user"),
        "tools": _grouped(state, "tool"),
        "outcomes": _grouped(state, "outcome"),
        "errors": _errors(state),
    }
    return {
        **found,
        "people": reading.reader.instance.people.active(),
        "apart": apart(found),
        "outcomes": [(name, found[name]) for name in APART if found[name]],
        "quick": quick,
        "of": BODIES[state.tab].of,
        "sessions_url": sessions_url(reading) if reading.opens_sessions else None,
    }


def apart(found: Mapping[str, Any]) -> int:
    return sum(found[name] for name in APART)


def _errors(state: TelemetryState) -> Quick:
    if state.has(only_errors="true") or state.has(outcome="error"):
        return Quick(on=True, url=state.url(only_errors=None, outcome=None))
    return Quick(on=False, url=state.url(only_errors="true", outcome=None))


def _grouped(state: TelemetryState, group: str) -> Quick:
    """The table by this; a second click groups by what the tab is about."""
    tab = state.tab if state.tab in BY else TABS[0]
    on = tab == state.tab and grouped_by(state) == group != BY[tab]
    wanted = BY[tab] if on else group
    by = None if wanted == usual(state, tab) else wanted
    return Quick(on=on, url=state.url(tab=tab_word(tab), group_by=by, sort=None))


def sessions_url(reading: Reading, **more: str) -> str:
    """The page of the sessions with the same window, and what else of the filter it can ask. A
    session's time there is when it began, as near to its calls as it gets."""
    since, until = telemetry.ends(reading.filter)
    kept = {
        name: text
        for name, text in reading.state.given.items()
        if name in OF_SESSIONS and name not in ("q", *WINDOW)
    }
    if "since_minutes" in reading.state.given or not reading.state.window:
        ends = {"since_minutes": reading.state.given.get("since_minutes", "")}
    else:
        ends = {"since": iso(since), "until": iso(until)}
    return SESSIONS_PAGE + visits.url({**kept, **ends, "anchor": "started", **more})
