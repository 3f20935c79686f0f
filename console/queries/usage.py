"""Questions about who uses the instance: people by day, over seven days, by kind of client, and
those who were not seen before. Each takes the rows one may see and a filter."""

from __future__ import annotations

from typing import Any

import ibis
import ibis.expr.types as ir

from console.queries.audit_filter import AuditFilter
from console.queries.vocabulary import by_people
from schema.policy import Seen

HOUR, DAY, WEEK = 3600, 86_400, 604_800
_MONDAY = 4 * DAY  # the first day of all, 1970-01-01, was a Thursday


def first_monday(step: int) -> int:
    """What a bucket's start is shifted by: weeks begin on Monday, days and hours with the epoch."""
    return _MONDAY if step % WEEK == 0 else 0


def people(seen: Seen, filter: AuditFilter, step: int) -> ir.Table:
    """`bucket` (epoch seconds of its start), `client_kind, people, events` of what people did. Null
    as a bucket is the whole window, null as a kind all kinds: distinct people are no sums."""
    events = _of_people(filter.apply(seen.rows()))
    starts = events.mutate(bucket=_start(events.timestamp, step))
    whole = ibis.null("int64")
    every = ibis.null("string")
    return ibis.union(
        _distinct(starts, starts.bucket, starts.client_kind),
        _distinct(starts, starts.bucket, every),
        _distinct(starts, whole, starts.client_kind),
        _distinct(starts, whole, every),
    )


def weekly(seen: Seen, filter: AuditFilter) -> ir.Table:
    """`bucket` (epoch seconds of a day), `people`: distinct in the seven days that end with that
    day."""
    events = _of_people(filter.apply(seen.rows()))
    days = events.select("user_id", day=_start(events.timestamp, DAY)).distinct()
    spread = days.mutate(later=ibis.range(0, 7).unnest())
    counted = spread.mutate(bucket=spread.day + spread.later * DAY)
    return counted.group_by("bucket").agg(people=counted.user_id.nunique())


def newcomers(seen: Seen, filter: AuditFilter, step: int) -> ir.Table:
    """`bucket, people`: those of the filter's people whose first event of all that are kept lies in
    the filter's window, by that event's bucket."""
    chosen = _of_people(filter.apply(seen.rows())).select("user_id").distinct()
    ever = _of_people(AuditFilter(include_self_reads=True).apply(seen.rows()))
    first = ever.group_by("user_id").agg(at=ever.timestamp.min()).semi_join(chosen, "user_id")
    new = first.filter(first["at"] >= filter.since, first["at"] <= filter.until)
    starts = new.mutate(bucket=_start(new["at"], step))
    return starts.group_by("bucket").agg(people=starts.count())


def _of_people(events: ir.Table) -> ir.Table:
    return events.filter(by_people(events))


def _start(at: Any, step: int) -> Any:
    shift = first_monday(step)
    return ((at.epoch_seconds() - shift) // step) * step + shift


def _distinct(events: ir.Table, bucket: Any, kind: Any) -> ir.Table:
    keyed = events.mutate(bucket=bucket, kind=kind)
    return keyed.group_by(["bucket", "kind"]).agg(
        people=keyed.user_id.nunique(), events=keyed.count()
    )
