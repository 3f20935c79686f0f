"""The registered tables by source: their rows, how they stand and sync, and who may read them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from console.pages.tables.reading import Reading, Row
from console.pages.tables.standing import Standing, of_table
from console.pages.tables.state import REGISTERED
from console.queries import registered as queries
from console.queries.synced import recent_attempts
from console.tables import synced
from console.tables.registered import INTERNAL

ROWS = 25
RECENT = 12  # attempts that are drawn beside each table


@dataclass(frozen=True)
class Listed:
    """`groups`: those that were granted it; `people`: how many may read it besides admins; `facts`
    and `tried`, the newest attempt first, of one that syncs."""

    row: Row
    standing: Standing
    groups: list[str]
    people: int
    facts: Row | None = None
    tried: Sequence[Row] = ()

    @property
    def failed(self) -> bool:
        last = (self.facts or {}).get("last_attempt")
        return last is not None and last["status"] == "error"


@dataclass(frozen=True)
class List:
    tables: list[Listed]
    offset: int
    total: int

    @property
    def broken(self) -> int:
        return sum(1 for one in self.tables if one.standing.broken)

    @property
    def failed(self) -> list[Listed]:
        return [one for one in self.tables if one.failed]


def read(reading: Reading) -> List | None:
    """One page of them; None where something else stands here."""
    state, store = reading.state, reading.instance.store
    if state.tab == INTERNAL or state.table:
        return None
    source = None if state.tab == REGISTERED else state.tab
    found = store.read(queries.listing(state.q or None, source_type=source)).to_pylist()
    rows = [row for row in found if row["source_type"] != INTERNAL]
    rows.sort(key=lambda row: str(row["source_type"]))  # stable: inside of a source by name
    groups: dict[str, list[str]] = defaultdict(list)
    for grant in store.rows(queries.granted):
        groups[grant["resource_id"]].append(grant["group_name"])
    people = {row["resource_id"]: row["people"] for row in store.rows(queries.readers)}
    facts = synced.facts(store, reading.at)
    tried: dict[str, list[Row]] = defaultdict(list)
    for attempt in store.read(recent_attempts(RECENT)).to_pylist():
        tried[attempt["table_id"]].append(attempt)

    def one(row: Row) -> Listed:
        id = row["id"]
        return Listed(
            row=row,
            standing=of_table(reading, id, facts.get(id)),
            groups=groups[id],
            people=people.get(id, 0),
            facts=facts.get(id),
            tried=tried[id] if id in facts else (),
        )

    page = rows[state.offset : state.offset + ROWS]
    return List([one(row) for row in page], state.offset, len(rows))
