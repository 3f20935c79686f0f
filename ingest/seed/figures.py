"""What the marketplaces offer, and the daily figures: made of the made-up events by the very code
that makes those of real ones.
"""

from __future__ import annotations

from datetime import date, datetime
from functools import partial
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import ibis
import ibis.expr.types as ir

from ingest.rollups import rebuild, rebuild_windows
from ingest.seed.toolbox import OFFERED, OFFERED_COLUMNS
from schema.store import Store
from schema.table import rows_of
from schema.tables import MARKETPLACE_ITEMS, USAGE_EVENTS
from schema.transaction import Rows, Transaction


def offered(at: datetime) -> list[dict[str, Any]]:
    """All items, with ids that never change."""
    return [
        {
            **dict(zip(OFFERED_COLUMNS, row, strict=True)),
            "id": str(uuid5(NAMESPACE_URL, "/".join(row))),
            "imported_at": at,
        }
        for row in OFFERED
    ]


def write_figures(store: Store, at: datetime) -> None:
    """The marketplaces, unless they are there, and the figures of every day with events."""

    def items(transaction: Transaction) -> None:
        there = {row["id"] for row in transaction.ask(ids)}
        new = [row for row in offered(at) if row["id"] not in there]
        transaction.insert(Rows(MARKETPLACE_ITEMS, new))

    store.write(items).result()
    for row in store.rows(days):
        store.write(partial(_rebuild, row["day"])).result()
    store.write(lambda transaction: rebuild_windows(transaction, at.date())).result()


def _rebuild(day: date, transaction: Transaction) -> dict[str, Any]:
    return rebuild(transaction, day)


def ids() -> ir.Table:
    return rows_of(MARKETPLACE_ITEMS).select("id")


def days() -> ir.Table:
    """`day`: every day with events, in order."""
    events = rows_of(USAGE_EVENTS)
    return events.select(day=events.occurred_at.date()).distinct().order_by(ibis.asc("day"))
