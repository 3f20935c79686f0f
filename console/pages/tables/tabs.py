"""Registered, Internal: how many of each there are."""

from __future__ import annotations

from console.agnes_tables import agnes_tables
from console.pages.tables.reading import Reading
from console.queries import registered as queries
from console.registered import INTERNAL


def read(reading: Reading) -> dict[str, int]:
    counts = reading.instance.store.rows(queries.by_source)
    registered = sum(row["tables"] for row in counts if row["source_type"] != INTERNAL)
    return {"registered": registered, "internal": len(agnes_tables())}
