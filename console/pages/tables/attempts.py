"""How the syncs of one table went: a picture of the newest, and each with what it brought, what
changed in its columns and what went wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from console.pages.tables.reading import Reading, Row
from console.tables import synced

SHOWN, DRAWN = 15, 60


@dataclass(frozen=True)
class Attempts:
    """`rows`, the newest first, of `total`; `drawn`: more of them, for the picture. `running`: a
    sync goes on, of this table or another one. `published`: there is a version to question."""

    rows: Sequence[Row]
    drawn: Sequence[Row]
    total: int
    next_due: datetime | None
    running: bool
    published: bool


def read(reading: Reading) -> Attempts | None:
    """None for a table that does not sync."""
    if not reading.state.table or reading.row is None:
        return None
    store = reading.instance.store
    facts = synced.facts(store, reading.at).get(reading.id)
    if facts is None:
        return None
    total, rows = synced.attempts(store, reading.id, DRAWN)
    running = reading.instance.syncs.running
    published = facts["synced"] is not None
    return Attempts(rows[:SHOWN], rows, total, facts["next_due"], running, published)
