"""What is popular, what gains, and what nobody uses, over the last 30 days. Blocks: call it through
`store.offload`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, time, timedelta
from typing import Any

from console.queries import telemetry_popularity
from console.queries.telemetry_filter import TelemetryFilter
from console.queries.telemetry_popularity import KINDS
from console.telemetry import Reader, Row
from schema.bind import At
from schema.policy import Seen
from schema.tables import USAGE_MARKETPLACE_ITEM_DAILY, USAGE_MARKETPLACE_ITEM_WINDOW

DAYS = 30
MOST_POPULAR = 8
LEAST_PRIOR = 3  # uses in the week before, below which a trend says nothing
_ORDERS: Mapping[str, Callable[[Row], Any]] = {
    "recent": lambda row: row["last_used"] or "",
    "most_used": lambda row: row["invocations_30d"],
    "most_adopted": lambda row: row["distinct_users_30d"],
    "trending": lambda row: row["trend_pct"],
}
SORTS = tuple(_ORDERS)


def popularity(
    reader: Reader, kind: str, sort: str = "most_used", *, limit: int = 200, now: datetime
) -> Row:
    """`rows` of a kind in `KINDS`, at most `limit` of `total`; `most_popular`, the first 8 by use;
    `unused`, what of `offered` was not used in 30 days. `trend_pct` compares the last 7 days with
    the 7 before (`last_7d`, `prior_7d`), null under 3 uses then; `trending` leaves those out."""
    rows = [_shown(row) for row in _found(reader, kind, now)]
    rows.sort(key=lambda row: (row["name"], row["plugin"] or ""))
    used = {(row["source"], row["plugin"], row["name"]) for row in rows}
    popular = sorted(rows, key=lambda row: -row["invocations_30d"])[:MOST_POPULAR]
    kept = [row for row in rows if sort != "trending" or row["trend_pct"] is not None]
    kept.sort(key=_ORDERS[sort], reverse=True)
    items = _offered(reader, kind)
    return {
        "kind": kind,
        "sort": sort,
        "days": DAYS,
        "rows": kept[:limit],
        "most_popular": popular,
        "unused": [item for item in items if not _keys(item) & used],
        "offered": len(items),
        "total": len(kept),
    }


def _found(reader: Reader, kind: str, now: datetime) -> list[Row]:
    type, column = KINDS[kind]
    today = At(datetime.combine(now.date(), time.min))
    rows: list[Row] = []
    if type is not None:
        tables = (USAGE_MARKETPLACE_ITEM_WINDOW, USAGE_MARKETPLACE_ITEM_DAILY)
        seen = [Seen(table, reader.principal) for table in tables]
        rows += reader.ask(telemetry_popularity.of_items, *seen, type, today)
    if column is not None:
        # As the rollups reckon: whole days, the last of them today.
        end = datetime.combine(now.date(), time.max)
        filter = TelemetryFilter(today.moment - timedelta(days=DAYS - 1), end)
        found = reader.ask(telemetry_popularity.of_events, reader.seen, filter, column, today)
        named = {"source": "builtin", "type": type or kind.removesuffix("s"), "parent_plugin": ""}
        rows += [{**named, **row} for row in found]
    return rows


def _shown(row: Row) -> Row:
    last, prior = row["last7"], row["prior7"]
    return {
        "source": row["source"],
        "type": row["type"],
        "plugin": row["parent_plugin"] or None,
        "name": row["name"],
        "invocations_30d": row["invocations"],
        "distinct_users_30d": row["distinct_users"],
        "last_7d": last,
        "prior_7d": prior,
        "trend_pct": round((last - prior) / prior * 100, 1) if prior >= LEAST_PRIOR else None,
        "last_used": row["last_used"].isoformat() if row["last_used"] else None,
        "errors": row["errors"],
    }


def _offered(reader: Reader, kind: str) -> list[Row]:
    """What marketplaces have of a kind; nothing where a kind has no market."""
    type = KINDS[kind][0]
    return [] if type is None else reader.ask(telemetry_popularity.offered, type)


def _keys(item: Row) -> set[tuple[Any, ...]]:
    """How the figures name an item: a plugin, and the community's own, have no plugin above."""
    name = (item["name"] or "").removeprefix("/")
    whole = item["type"] == "plugin" or item["plugin"] in ("", None, item["source"], name)
    plugin = None if whole else item["plugin"]
    return {(item["source"], plugin, name), (item["source"], item["plugin"], name)}
