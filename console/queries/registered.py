"""Questions about the registry of tables."""

from __future__ import annotations

import ibis.expr.types as ir

from schema.table import rows_of
from schema.tables import TABLE_REGISTRY


def of_source(source_type: str) -> ir.Table:
    """The tables of one kind of source, by name."""
    rows = rows_of(TABLE_REGISTRY)
    rows = rows.filter(rows.source_type == source_type)
    found: ir.Table = rows.order_by([rows.name, rows.id])
    return found
