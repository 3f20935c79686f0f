"""Questions about how tables that sync stand now."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from schema.table import rows_of
from schema.tables import SYNC_HISTORY


def newest_attempts() -> ir.Table:
    """The newest attempt of each table: a row of `sync_history` each."""
    return recent_attempts(1)


def recent_attempts(most: int) -> ir.Table:
    """The newest `most` attempts of each table, newest first."""
    rows = rows_of(SYNC_HISTORY)
    order = [ibis.desc(rows.synced_at), ibis.desc(rows.id)]
    place = ibis.row_number().over(group_by=rows.table_id, order_by=order)
    found = rows.mutate(place=place).filter(ibis._.place < most).drop("place")
    listed: ir.Table = found.order_by([ibis.desc("synced_at"), ibis.desc("id")])
    return listed
