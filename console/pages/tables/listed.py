"""The registered tables by source: their rows, whether they can be read, and who may read them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from console.pages.tables.reading import Reading, Row
from console.pages.tables.standing import Standing, standing
from console.pages.tables.state import REGISTERED
from console.queries import registered as queries
from console.registered import INTERNAL, columns_of

ROWS = 25


@dataclass(frozen=True)
class Listed:
    """`groups`: those that were granted it; `people`: how many may read it besides admins."""

    row: Row
    columns: int
    standing: Standing
    groups: list[str]
    people: int


@dataclass(frozen=True)
class List:
    tables: list[Listed]
    offset: int
    total: int

    @property
    def broken(self) -> int:
        return sum(1 for one in self.tables if one.standing.broken)


def read(reading: Reading) -> List | None:
    """One page of them; None where something else stands here."""
    state, store = reading.state, reading.instance.store
    if state.tab != REGISTERED or state.table:
        return None
    found = store.read(queries.listing(state.q or None)).to_pylist()
    rows = [row for row in found if row["source_type"] != INTERNAL]
    rows.sort(key=lambda row: str(row["source_type"]))  # stable: inside of a source by name
    groups: dict[str, list[str]] = defaultdict(list)
    for grant in store.rows(queries.granted):
        groups[grant["resource_id"]].append(grant["group_name"])
    people = {row["resource_id"]: row["people"] for row in store.rows(queries.readers)}
    page = rows[state.offset : state.offset + ROWS]
    return List([_listed(reading, row, groups, people) for row in page], state.offset, len(rows))


def _listed(reading: Reading, row: Row, groups: dict[str, list[str]], people: Any) -> Listed:
    id = row["id"]
    return Listed(
        row=row,
        columns=len(columns_of(row)),
        standing=standing(reading.offer(id)),
        groups=groups[id],
        people=people.get(id, 0),
    )
