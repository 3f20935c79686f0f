"""One registered table: its source, its columns and what is in them, who may read it, and how its
form is filled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from console.identity import groups
from console.pages.tables.reading import Reading, Row
from console.pages.tables.standing import Standing, of_table
from console.pages.tables.state import SOURCES
from console.queries import registered as queries
from console.syncing import definition
from console.tables import synced
from console.tables.registered import columns_shown
from schema.store import Store


@dataclass(frozen=True)
class Opened:
    """`row` None: it is not registered any more. `facts`: of one that syncs; `columns`, each with
    its `profile` where it was synced. `grants`: each with the `members` of its group;
    `people`: how many may read it by them; `others`: groups that it can be granted to."""

    id: str
    row: Row | None
    can_change: bool = False
    facts: Row | None = None
    columns: Sequence[Row] = ()
    standing: Standing | None = None
    grants: Sequence[Row] = ()
    people: int = 0
    others: Sequence[Row] = ()


def read(reading: Reading) -> Opened | None:
    if not reading.state.table:
        return None
    if reading.row is None:
        return Opened(reading.id, None)
    store, id = reading.instance.store, reading.id
    grants = [one for one in store.rows(queries.granted) if one["resource_id"] == id]
    people = {one["resource_id"]: one["people"] for one in store.rows(queries.readers)}
    have = {one["group_id"] for one in grants}
    every = store.rows(groups.listing)
    facts = synced.facts(store, reading.at).get(id)
    return Opened(
        id=id,
        row={**reading.row, "options": definition.options_of(reading.row)},
        can_change=reading.row["source_type"] in SOURCES,
        facts=facts,
        columns=_columns(store, reading.row),
        standing=of_table(reading, id, facts),
        grants=grants,
        people=people.get(id, 0),
        others=[group for group in every if group["id"] not in have],
    )


def _columns(store: Store, row: Row) -> list[Row]:
    """Those of its newest version, or of its file, with what is in them where that is known."""
    found = synced.profile(store, row["id"])
    known = {one["name"]: one for one in found["columns"]} if found else {}
    return [
        {**column, "profile": known.get(column["name"])} for column in columns_shown(store, row)
    ]
