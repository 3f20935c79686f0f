"""Facets as an answer tells them, from the rows of `console.queries.facets`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from console.identity.people import Person
from console.queries.facets import FACET_VALUES

Row = dict[str, Any]


def told(
    rows: Iterable[Row], facets: Collection[str], people: Mapping[str, Person]
) -> dict[str, Any]:
    """By facet its values, the most frequent first: `{value, count}`, of people `{id, label, name,
    count}` as they are called today; `findings` where they were counted. `other` sums the rest:
    `{values, count}` by facet."""
    answer: dict[str, Any] = {facet: [] for facet in facets}
    answer["other"] = {facet: {"values": 0, "count": 0} for facet in facets}
    for row in sorted(rows, key=lambda row: row["rank"]):
        facet, value, count = row["facet"], row["value"], int(row["count"])
        if row["rank"] >= FACET_VALUES:
            answer["other"][facet] = {"values": row["values"], "count": count}
        elif facet == "users":
            person = people.get(value) if value else None
            label, name = (person.email, person.name) if person else (value, None)
            answer[facet].append({"id": value, "label": label, "name": name, "count": count})
        elif row.get("findings") is None:
            answer[facet].append({"value": value, "count": count})
        else:
            found = int(row["findings"])
            answer[facet].append({"value": value, "count": count, "findings": found})
    return answer
