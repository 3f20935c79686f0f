"""The facets beside the list: what there is, in how many sessions, to choose from."""

from __future__ import annotations

from console import sessions
from console.pages import facets
from console.pages.facets import Facet
from console.pages.sessions.reading import Reading
from console.pages.sessions.words import LABELS

# Title, facet of the answer, the parameter that asks for one of its values.
FACETS = (
    ("Verdict", "verdicts", "verdict"),
    ("Finding", "findings", "has_finding"),
    ("Severity of findings", "severities", "severity"),
    ("Processed", "processed", "processed"),
    ("People", "users", "user_id"),
    ("Model", "models", "model"),
)


def read(reading: Reading) -> list[Facet]:
    counted = sessions.facets(reading.reader, reading.filter)
    return [
        facets.of_parameter(
            reading.state,
            title,
            name,
            counted[facet],
            counted["other"][facet],
            LABELS.get(name),
        )
        for title, facet, name in FACETS
    ]
