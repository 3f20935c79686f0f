"""How a registered table stands: whether its file can be read now, and how many rows it has."""

from __future__ import annotations

from dataclasses import dataclass

from console.pages.catalog.tables import why_unreadable
from console.pages.tables.reading import Reading, Row
from console.tables.offered import Offer
from console.tables.remote_tables import REMOTE
from schema.errors import AgnesError


@dataclass(frozen=True)
class Standing:
    """`rows` None where it cannot be read, which `broken` says."""

    rows: int | None
    broken: str = ""
    waits: bool = False  # it syncs, and never did
    at_source: bool = False  # read there when somebody asks; nobody waits for that here


def of_table(reading: Reading, id: str, facts: Row | None) -> Standing:
    """How the table with this id stands; `facts` of one that syncs."""
    if facts is not None and facts["synced"] is None:
        return Standing(None, waits=True)
    return standing(reading.offer(id))


def standing(offer: Offer | None) -> Standing:
    """Counts its rows and reads the first one, with all columns. Blocks."""
    if offer is None:
        return Standing(None, "it has no file that could be read")
    if offer.kind == REMOTE:
        return Standing(None, at_source=True)
    try:
        rows = offer.standing()["visible"]
        next(offer.first(1), None)
    except AgnesError as error:
        return Standing(None, why_unreadable(error))
    return Standing(rows)
