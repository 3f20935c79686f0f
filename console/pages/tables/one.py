"""One registered table: its file, its columns, who may read it, and how its form is filled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from console.identity import groups
from console.pages.tables.reading import Reading, Row
from console.pages.tables.standing import Standing, standing
from console.queries import registered as queries
from console.registered import LOCAL, columns_of


@dataclass(frozen=True)
class Opened:
    """`row` None: it is not registered any more. `grants`: each with the `members` of its group;
    `people`: how many may read it by them; `others`: groups that it can be granted to."""

    id: str
    row: Row | None
    is_file: bool = False
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
    return Opened(
        id=id,
        row=reading.row,
        is_file=reading.row["source_type"] == LOCAL,
        columns=columns_of(reading.row),
        standing=standing(reading.offer(id)),
        grants=grants,
        people=people.get(id, 0),
        others=[group for group in every if group["id"] not in have],
    )
