"""The cards: how many reports there are of each status, of all that else matches."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from console.feedback import reading as feedback
from console.pages.chosen import Quick
from console.pages.feedback.reading import Reading
from console.pages.feedback.words import STATUSES

_OFTEN = "duplicates:desc"


def read(reading: Reading) -> dict[str, Any]:
    """The KPIs of the filter without its status; `statuses`, `mine` and `often`: quick filters."""
    state, whole = reading.state, reading.without("status")
    found = feedback.kpis(reading.reader, whole)
    me = reading.caller.me
    others = replace(whole, terms={**whole.terms, "assignee": me.user_id})
    mine = feedback.kpis(reading.reader, others)
    asked = next((text for text in ("me", me.user_id, me.email) if state.has(assignee=text)), "me")
    often = reading.sort == _OFTEN
    return {
        **found,
        "accounts": reading.reader.instance.people.active(),
        "statuses": [
            {
                "status": status,
                "title": title,
                "groups": found["by_status"][status],
                "reports": found["reports_by_status"][status],
                "quick": Quick(state.has(status=status), state.toggled("status", status)),
            }
            for status, title in STATUSES.items()
        ],
        "mine": {
            "open": mine["by_status"]["open"] + mine["by_status"]["triaged"],
            "count": mine["groups"],
            "quick": Quick(state.has(assignee=asked), state.toggled("assignee", asked)),
        },
        "often": Quick(often, state.url(sort=None if often else _OFTEN)),
    }
