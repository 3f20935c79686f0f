"""What the marketplaces offer: listing it, and importing or removing one, with everything that
follows for the figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, cast

import ibis.expr.types as ir

from console.audit import Caller, entry, now
from console.identity.lookup import containing
from console.instance import Instance
from console.processing import horizon_of, roll_up
from ingest.marketplace import SOURCES, TYPES, Item
from ingest.marketplace_items import Swap, items_of, swap
from schema.bind import Text
from schema.errors import BadParameter, NotFound, shorten
from schema.table import rows_of
from schema.tables import MARKETPLACE_ITEMS
from schema.transaction import Transaction

FILTERS = ("source", "marketplace", "type")
_ALLOWED = {"source": SOURCES, "type": TYPES}

Offered = Callable[[Transaction], tuple[str, Sequence[Item]]]  # source and items


class _Rehearsed(Exception):
    """Ends a transaction that was only tried, so that nothing of it stays."""

    def __init__(self, swapped: Swap) -> None:
        self.swapped = swapped


def listing(given: Mapping[str, str]) -> ir.Table:
    """Items by marketplace, plugin, type and name; `q` is looked for in names and descriptions.
    Raises BadParameter."""
    rows = rows_of(MARKETPLACE_ITEMS)
    for name in FILTERS:
        if name in given:
            allowed = _ALLOWED.get(name)
            if allowed and given[name] not in allowed:
                raise BadParameter(name, given[name], "one of " + ", ".join(allowed))
            rows = rows.filter(rows[name] == given[name])
    rows = containing(rows, given.get("q"), "plugin", "name", "description")
    return rows.order_by(["marketplace", "plugin", "type", "name", "id"])


async def import_(
    instance: Instance,
    caller: Caller,
    marketplace: str,
    source: str,
    items: Sequence[Item],
    *,
    dry_run: bool = False,
) -> dict[str, Any]:
    """Replace what `marketplace` offers; no items remove it. All figures are right at once.
    `{marketplace, source, items, added, removed, changed_events, days, dry_run}`."""

    def offered(transaction: Transaction) -> tuple[str, Sequence[Item]]:
        return source, items

    return await _swapped(instance, caller, marketplace, offered, dry_run=dry_run)


async def _swapped(
    instance: Instance, caller: Caller, marketplace: str, offered: Offered, *, dry_run: bool
) -> dict[str, Any]:
    """`import_` of what is `offered` at the moment of the write."""
    horizon = horizon_of(instance)
    source, items = "", cast("Sequence[Item]", ())

    def step(transaction: Transaction) -> Swap:
        nonlocal source, items
        source, items = offered(transaction)
        at: datetime = now()
        done = swap(transaction, marketplace, source, items, at=at, horizon=horizon)
        if not (items or done.before):
            raise _unknown(marketplace)
        if dry_run:
            raise _Rehearsed(done)
        params = {"source": source, **_counts(done, items)}
        before = dict(Counter(row["type"] for row in done.before)) if done.before else None
        resource = f"marketplace:{marketplace}"
        row = entry(caller, "marketplace.import", resource=resource, params=params, before=before)
        transaction.insert(row)
        return done

    try:
        done: Swap = await instance.store.awrite(step)
    except _Rehearsed as rehearsed:
        done = rehearsed.swapped
    else:
        await roll_up(instance)
    counts = _counts(done, items) | {"days": [day.isoformat() for day in done.days]}
    return {"marketplace": marketplace, "source": source, **counts, "dry_run": dry_run}


async def refresh(
    instance: Instance, caller: Caller, marketplace: str | None = None, *, dry_run: bool = False
) -> list[dict[str, Any]]:
    """Say anew whose work the events are, with what is offered now: of one marketplace, or of all.
    The answers of `import_`. Raises NotFound."""
    found = await instance.store.offload(instance.store.rows, every)
    names = sorted({row["marketplace"] for row in found})
    if marketplace is not None and marketplace not in names:
        raise _unknown(marketplace)
    answers = []
    for name in [marketplace] if marketplace is not None else names:
        try:
            answers.append(
                await _swapped(instance, caller, name, partial(_there, name), dry_run=dry_run)
            )
        except NotFound:  # it was removed meanwhile
            if marketplace is not None:
                raise
    return answers


def _there(marketplace: str, transaction: Transaction) -> tuple[str, Sequence[Item]]:
    """What it offers now, whoever has imported it last."""
    rows = transaction.ask(items_of, Text(marketplace))
    items = [Item(row["plugin"], row["type"], row["name"], row["description"]) for row in rows]
    return (rows[0]["source"] if rows else ""), items


def _unknown(marketplace: str) -> NotFound:
    return NotFound(
        f"no marketplace {shorten(marketplace)}", detail="List the items to see its name."
    )


def every() -> ir.Table:
    """All that is offered, in order."""
    rows = rows_of(MARKETPLACE_ITEMS)
    return rows.order_by(["marketplace", "plugin", "type", "name", "id"])


def _counts(done: Swap, items: Sequence[Item]) -> dict[str, Any]:
    return {
        "items": len(items),
        "added": done.added,
        "removed": done.removed,
        "changed_events": done.changed_events,
        "days": len(done.days),
    }
