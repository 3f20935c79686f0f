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


def listing(text: str | None = None, *, source_type: str | None = None) -> ir.Table:
    """The whole registry by name; `text` is looked for in id, name and description."""
    rows = rows_of(TABLE_REGISTRY)
    if source_type is not None:
        rows = rows.filter(rows.source_type == source_type)
    if text:
        wanted = text.lower()
        found = [rows[name].lower().contains(wanted) for name in ("id", "name", "description")]
        rows = rows.filter(found[0] | found[1] | found[2].fill_null(False))
    listed: ir.Table = rows.order_by([rows.name.lower(), rows.id])
    return listed
