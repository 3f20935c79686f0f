"""All, those of each source, Internal: how many of each there are."""

from __future__ import annotations

from console.pages.tables.reading import Reading
from console.pages.tables.state import SOURCES
from console.queries import registered as queries
from console.tables.agnes_tables import agnes_tables
from console.tables.registered import INTERNAL


def read(reading: Reading) -> dict[str, int]:
    counts = reading.instance.store.rows(queries.by_source)
    of = {row["source_type"]: row["tables"] for row in counts if row["source_type"] != INTERNAL}
    by_source = {name: of.get(name, 0) for name in SOURCES}
    return {"registered": sum(of.values()), **by_source, "internal": len(agnes_tables())}
