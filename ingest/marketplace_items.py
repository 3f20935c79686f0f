"""Replacing what one marketplace offers, and saying anew whose work the events are.

One transaction: there is no moment at which items and events disagree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from uuid import uuid4

import ibis.expr.types as ir

from ingest.attribution import Attribution
from ingest.commit import items
from ingest.marketplace import Item
from ingest.rollups import reattribute
from schema.bind import Text
from schema.table import rows_of
from schema.tables import MARKETPLACE_ITEMS
from schema.transaction import Row, Rows, Transaction


@dataclass(frozen=True)
class Swap:
    """What a replacement changed. `days`: those whose figures are to be made anew."""

    before: Sequence[Row]
    added: int
    removed: int
    changed_events: int
    days: Sequence[date]


def swap(
    transaction: Transaction,
    marketplace: str,
    source: str,
    offered: Sequence[Item],
    *,
    at: datetime,
    horizon: datetime | None,
) -> Swap:
    """Put `offered` in the place of all that the marketplace held; nothing offered removes it.
    What stays keeps its id. `at` is now, naive UTC."""
    attribution = Attribution(transaction.ask(items))
    before = transaction.ask(items_of, Text(marketplace))
    ids = {(row["source"], row["plugin"], row["type"], row["name"]): row["id"] for row in before}
    rows = [
        {
            **asdict(item),
            "id": ids.pop((source, *item.key), None) or str(uuid4()),
            "source": source,
            "marketplace": marketplace,
            "imported_at": at,
        }
        for item in offered
    ]
    transaction.delete(MARKETPLACE_ITEMS, {"marketplace": marketplace})
    transaction.insert(Rows(MARKETPLACE_ITEMS, rows))
    changed, days = reattribute(transaction, attribution, horizon)
    added = len(rows) - (len(before) - len(ids))
    return Swap(before, added, len(ids), changed, sorted(days))


def items_of(marketplace: Text) -> ir.Table:
    """All rows of one marketplace."""
    rows = rows_of(MARKETPLACE_ITEMS)
    return rows.filter(rows.marketplace == marketplace.text)
