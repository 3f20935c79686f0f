"""The facets beside the list: what there is, in how many groups of reports."""

from __future__ import annotations

from console.feedback import reading as feedback
from console.pages import facets
from console.pages.facets import Facet
from console.pages.feedback.reading import Reading
from console.pages.feedback.words import LABELS

# Title, facet of the answer, the parameter that asks for one of its values.
FACETS = (
    ("Status", "status", "status"),
    ("Category", "category", "category"),
    ("Tag", "tag", "tag"),
    ("Looked after by", "assignee", "assignee"),
    ("Reporter", "reporter", "reporter"),
    ("With a session", "session", "has_session"),
    ("Finding in it", "finding", "finding"),
)


def read(reading: Reading) -> list[Facet]:
    counted = feedback.facets(reading.reader, reading.filter)
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
