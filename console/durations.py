"""How long actions take and how often they fail, as people read it: with denominators, and with few
calls never above many. All of it blocks: call it through `store.offload`."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from console import activity
from console.activity import Reader, Row
from console.queries import durations
from console.queries.audit import SORTS
from console.queries.audit_filter import AuditFilter
from schema.errors import BadParameter

LEAST = 10  # calls below which a percentile or a rate decides no place in an order
_Z = 1.96  # 95 %


def doubted_rate(failed: int, count: int) -> float:
    """The lower end of the 95 % interval (Wilson) of the rate: what is sure of it. One failure of
    one call is less sure than 40 of 100, so orders by failures go by this."""
    if not count:
        return 0.0
    rate, spread = failed / count, _Z * _Z / count
    middle = rate + spread / 2
    about = _Z * math.sqrt(rate * (1 - rate) / count + spread / (4 * count))
    return max(0.0, (middle - about) / (1 + spread))


def _slowest(row: Row) -> tuple[Any, ...]:
    enough = row["measured"] >= LEAST
    return (not enough, -(row["p95_duration_ms"] or 0), -row["count"])


# What a list of actions or queries can be ordered by; the first is the default.
ORDERS: Mapping[str, Callable[[Row], tuple[Any, ...]]] = {
    "most": lambda row: (-row["count"],),
    "slowest": _slowest,
    "failing": lambda row: (-doubted_rate(row["errors"], row["count"]), -row["count"]),
}


def order(sort: str | None) -> str:
    """A name of ORDERS. A sort of the timeline means nothing here; it is kept in a link, no
    error. Raises BadParameter for anything else."""
    if not sort or sort.partition(":")[0] in SORTS:
        return next(iter(ORDERS))
    if sort not in ORDERS:
        raise BadParameter("sort", sort, "one of " + ", ".join(ORDERS))
    return sort


def performance(reader: Reader, filter: AuditFilter, sort: str | None = None) -> Row:
    """`actions` with counts and percentiles, `other` for those beyond the most frequent, and
    `buckets` over time. All counts of actions and `other` together are `events_total`."""
    by = ORDERS[order(sort)]
    rows = reader.ask(durations.by_action, filter)
    actions = [_action(row) for row in rows if row["place"] < durations.MOST_ACTIONS]
    beyond = [row for row in rows if row["place"] >= durations.MOST_ACTIONS]
    seconds = activity.bucket_seconds(filter)
    return {
        "window_minutes": activity.window_minutes(filter),
        "events_total": sum(row["count"] for row in rows),
        "measured": sum(row["measured"] for row in rows),
        "least": LEAST,
        "actions": sorted(actions, key=lambda row: (*by(row), row["action"])),
        "other": {
            name: int(sum(row[name] for row in beyond))
            for name in ("actions", "count", "measured", "errors", "denied")
        },
        "bucket_seconds": seconds,
        "buckets": _buckets(reader, filter, seconds),
    }


def _buckets(reader: Reader, filter: AuditFilter, seconds: int) -> list[Row]:
    found = {row["bucket"]: row for row in reader.ask(durations.over_time, filter, seconds)}
    nothing = {"count": 0, "measured": 0, "errors": 0, "parts": None}
    buckets = []
    for start in starts(filter, seconds):
        row = found.get(start, nothing)
        counts = {name: row[name] for name in ("count", "measured", "errors")}
        buckets.append({"ts": moment(start), **counts, **percentiles(row["parts"])})
    return buckets


def _action(row: Row) -> Row:
    count = row["count"]
    return {
        **{name: row[name] for name in ("action", "count", "measured", "errors", "denied")},
        "people": row["people"],
        "coverage": round(row["measured"] / count, 4),
        "error_rate": round(row["errors"] / count, 4),
        "few": row["measured"] < LEAST,
        **percentiles(row["parts"]),
    }


def percentiles(parts: list[float] | None) -> Row:
    """The three as whole milliseconds; None where nothing carried a duration."""
    names = ("p50_duration_ms", "p95_duration_ms", "p99_duration_ms")
    if not parts or parts[0] is None:
        return dict.fromkeys(names)
    return {name: round(part) for name, part in zip(names, parts, strict=True)}


def starts(filter: AuditFilter, seconds: int, shift: int = 0) -> range:
    """The start of every bucket of the window, as epoch seconds."""
    if filter.since is None or filter.until is None:
        raise ValueError("this needs a window with both ends")
    first, last = (
        int(at.replace(tzinfo=UTC).timestamp()) - shift for at in (filter.since, filter.until)
    )
    return range(first - first % seconds + shift, last + shift + 1, seconds)


def moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)
