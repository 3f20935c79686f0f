"""What the marketplaces offer: listing it, and importing or removing one, with everything that
follows for the figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import ibis.expr.types as ir

from console.audit import Caller, entry, now
from console.identity.lookup import containing
from console.instance import Instance
from console.processing import horizon_of, roll_up
from ingest.marketplace import SOURCES, TYPES, Item
from ingest.marketplace_items import Swap, swap
from schema.errors import BadParameter, NotFound, shorten
from schema.table import rows_of
from schema.tables import MARKETPLACE_ITEMS
from schema.transaction import Transaction

FILTERS = ("source", "marketplace", "type")
_ALLOWED = {"source": SOURCES, "type": TYPES}


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
    horizon = horizon_of(instance)

    def step(transaction: Transaction) -> Swap:
        at: datetime = now()
        done = swap(transaction, marketplace, source, items, at=at, horizon=horizon)
        if not (items or done.before):
            raise NotFound(
                f"no marketplace {shorten(marketplace)}", detail="List the items to see its name."
            )
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
    rows = instance.store.rows
    found = await instance.store.offload(rows, every)
    names = {row["marketplace"]: row["source"] for row in found}
    if marketplace is not None and marketplace not in names:
        raise NotFound(
            f"no marketplace {shorten(marketplace)}", detail="List the items to see its name."
        )
    answers = []
    for name in [marketplace] if marketplace is not None else sorted(names):
        items = [
            Item(row["plugin"], row["type"], row["name"], row["description"])
            for row in found
            if row["marketplace"] == name
        ]
        answers.append(await import_(instance, caller, name, names[name], items, dry_run=dry_run))
    return answers


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
