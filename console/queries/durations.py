"""Questions about how long actions take and how often they fail. Each takes the rows one may see
and a filter, and gives a table."""

from __future__ import annotations

from typing import Any

import ibis
import ibis.expr.types as ir

from console.queries.audit_filter import AuditFilter
from console.queries.vocabulary import by_people
from schema.policy import Seen

MOST_ACTIONS = 200  # of one answer; the rest is one row
_PARTS = (0.5, 0.95, 0.99)


def by_action(seen: Seen, filter: AuditFilter) -> ir.Table:
    """One row for each of the `MOST_ACTIONS` most frequent actions, and one without a name for all
    others: `action, actions, count, measured, errors, denied, people, parts`. `parts` are the 50th,
    95th and 99th percentile of the durations in ms; in the row of the others they mean nothing."""
    events = filter.apply(seen.rows())
    counted = events.group_by("action").agg(
        count=events.count(),
        measured=events.duration_ms.count(),
        errors=events.count(where=events.result_class == "error"),
        denied=events.count(where=events.result_class == "denied"),
        people=events.user_id.nunique(where=by_people(events)),
        parts=events.duration_ms.quantile(list(_PARTS)),
    )
    order = [ibis.desc("count"), ibis.asc("action")]
    ranked = counted.mutate(place=ibis.row_number().over(order_by=order))
    kept: Any = ranked.place < MOST_ACTIONS
    places = ranked.mutate(
        place=ibis.ifelse(kept, ranked.place, MOST_ACTIONS),
        action=ibis.ifelse(kept, ranked.action, ibis.null("string")),
    )
    return places.group_by("place").agg(
        action=places.action.max(),
        actions=places.count(),
        **{
            name: places[name].sum() for name in ("count", "measured", "errors", "denied", "people")
        },
        parts=places.parts.first(),
    )


def over_time(seen: Seen, filter: AuditFilter, seconds: int) -> ir.Table:
    """`bucket` (epoch seconds, a multiple of `seconds`), `count, measured, errors, parts`; empty
    buckets are absent."""
    events = filter.apply(seen.rows())
    return (
        events.group_by(bucket=(events.timestamp.epoch_seconds() // seconds) * seconds)
        .agg(
            count=events.count(),
            measured=events.duration_ms.count(),
            errors=events.count(where=events.result_class == "error"),
            parts=events.duration_ms.quantile(list(_PARTS)),
        )
        .order_by("bucket")
    )
