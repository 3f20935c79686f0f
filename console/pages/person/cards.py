"""The cards: each a figure with its denominator, and a quick filter."""

from __future__ import annotations

from typing import Any

from console import activity, sessions
from console.pages.chosen import Quick
from console.pages.person.activity import filter_of as events_of
from console.pages.person.reading import Reading
from console.queries.sessions import NONE, VERDICTS
from console.transcript import transcript_looks

_MOST = "findings:desc"


def read(reading: Reading) -> dict[str, Any]:
    """The KPIs of the sessions, `quick`: the filters, `verdicts`: `[(verdict, sessions)]`, and
    `events` of the log in the window, or, on one's own page, `looks` of others at any time."""
    reader, state = reading.reader, reading.state
    figures = sessions.kpis(reader, reading.filter)
    only, sort = state.has(only_errors="true"), state.sort == _MOST
    other = "looks" if reading.own else "activity"
    here = state.tab == other
    quick = {
        "all": Quick(on=False, url=state.url(**dict.fromkeys(_terms(reading)), tab=None)),
        "findings": Quick(sort, state.url(sort=None if sort else _MOST, tab=None)),
        "errors": Quick(only, state.url(only_errors=None if only else "true", tab=None)),
        "other": Quick(here, state.url(tab=None if here else other)),
    }
    found: dict[str, Any] = {**figures, "quick": quick}
    found["verdicts"] = [(name, figures["by_verdict"][name]) for name in (*VERDICTS, NONE)]
    if reading.own:
        found["looks"] = transcript_looks.views_of_mine(reader, limit=1, offset=0)[1]
    else:
        log = activity.Reader(reader.instance, reader.principal)
        found["events"] = activity.kpis(log, events_of(reading))["events_total"]
    return found


def _terms(reading: Reading) -> list[str]:
    windows = ("since_minutes", "since", "until", "anchor")
    return [name for name in reading.state.given if name not in windows]
