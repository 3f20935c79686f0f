"""Questions about the audit log. Each takes the rows one may see and a filter, and gives a
table."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Self

import ibis
import ibis.expr.types as ir

from console.queries.audit_filter import AuditFilter
from console.queries.facets import most_frequent
from console.queries.vocabulary import by_people
from schema.bind import Value, point
from schema.policy import Seen

# Facet -> the column it counts.
FACETS = {
    "users": "user_id",
    "actions": "action",
    "results": "result",
    "result_classes": "result_class",
    "resources": "resource",
    "sources": "source",
    "client_kinds": "client_kind",
}
SORTS = (
    "timestamp",
    "user_id",
    "action",
    "resource",
    "result",
    "result_class",
    "duration_ms",
    "source",
    "client_kind",
    "client_ip",
    "correlation_id",
)
SHOWN = (
    "id",
    "timestamp",
    "user_id",
    "action",
    "resource",
    "params",
    "params_before",
    "result",
    "duration_ms",
    "client_ip",
    "client_kind",
    "correlation_id",
    "source",
    "result_class",
)


@dataclass(frozen=True)
class Order:
    """How a timeline is sorted, and after which row a page begins. Rows without a value come last,
    ties are broken by time and id, newest first, so that every row has one place. `value` is the
    sorted column's value in the row at (`ts`, `id`), which need not be known when sorting by time.
    `back`: the rows before that one instead, the nearest first. Bindable."""

    column: str = "timestamp"
    descending: bool = True
    ts: datetime | None = None
    id: str | None = None
    value: Any = None
    back: bool = False

    @property
    def started(self) -> bool:
        return self.id is not None

    @property
    def falls(self) -> bool:
        """Whether the rows of a page come with falling times: sorted by time, `back` turns that."""
        return self.descending != self.back

    def apply(self, events: ir.Table) -> ir.Table:
        events = self.beyond(events)
        column: Any = events[self.column]
        main = (column.desc if self.falls else column.asc)(nulls_first=self.back)
        if self.column == "timestamp":
            return events.order_by([main, events.id.desc() if self.falls else events.id.asc()])
        ties = (events.timestamp, events.id)
        return events.order_by([main, *(tie.asc() if self.back else tie.desc() for tie in ties)])

    def beyond(self, events: ir.Table) -> ir.Table:
        """The rows after the one where the page begins (`back`: before it), unsorted; all of them
        without one."""
        if not self.started:
            return events
        if self.column == "timestamp":
            return events.filter(self._older(events) if self.falls else self._newer(events))
        column: Any = events[self.column]
        tie = self._newer(events) if self.back else self._older(events)
        if self.value is None:
            return events.filter((column.notnull() | tie) if self.back else (column.isnull() & tie))
        further = column < self.value if self.falls else column > self.value
        further |= (column == self.value) & tie
        return events.filter(further if self.back else further | column.isnull())

    # Keyset. The leading `<=` lets the engine skip whole blocks of rows; an OR alone would not.
    def _older(self, events: ir.Table) -> Any:
        first = (events.timestamp < self.ts) | (events.id < self.id)
        return (events.timestamp <= self.ts) & first

    def _newer(self, events: ir.Table) -> Any:
        last = (events.timestamp > self.ts) | (events.id > self.id)
        return (events.timestamp >= self.ts) & last

    def shape(self) -> Hashable:
        return self.column, self.descending, self.back, self.started, self.value is None

    def values(self) -> Mapping[str, Value]:
        found = {"ts": self.ts, "id": self.id, "value": self.value}
        return {key: value for key, value in found.items() if value is not None}

    def bound(self, prefix: str) -> Self:
        return replace(
            self, **{key: point(prefix + key, value) for key, value in self.values().items()}
        )


def timeline(seen: Seen, filter: AuditFilter, order: Order, limit: int) -> ir.Table:
    """At most `limit` events that match, in `order`."""
    events = filter.apply(seen.rows())
    return order.apply(events).limit(limit).select(*SHOWN)


def preceding(seen: Seen, filter: AuditFilter, order: Order) -> ir.Table:
    """One row: `rows`, how many events stand before the one where `order` begins."""
    return (
        replace(order, back=True)
        .beyond(filter.apply(seen.rows()))
        .aggregate(rows=lambda events: events.count())
    )


def everything(seen: Seen, filter: AuditFilter) -> ir.Table:
    """All events that match, newest first: what an export holds."""
    return Order().apply(filter.apply(seen.rows())).select(*SHOWN)


def one(seen: Seen, filter: AuditFilter) -> ir.Table:
    """Events that match, unsorted: for a look-up by id."""
    return filter.apply(seen.rows()).select(*SHOWN)


@dataclass(frozen=True)
class Id:
    """One row by its id, as a bindable argument."""

    id: Any

    def shape(self) -> Hashable:
        return ()

    def values(self) -> Mapping[str, Value]:
        return {"id": self.id}

    def bound(self, prefix: str) -> Self:
        return replace(self, id=point(prefix + "id", ""))


def by_id(seen: Seen, id: Id) -> ir.Table:
    """The event with this id, or nothing. Self reads are found too."""
    events = AuditFilter(include_self_reads=True).apply(seen.rows())
    return events.filter(events.id == id.id).select(*SHOWN)


def kpis(seen: Seen, filter: AuditFilter) -> ir.Table:
    """One row: `events_total`, `active_users` (people only), `errors`, `p95_duration_ms`,
    `measured`."""
    events = filter.apply(seen.rows())
    return events.aggregate(
        events_total=events.count(),
        active_users=events.user_id.nunique(where=by_people(events)),
        errors=events.count(where=events.result_class == "error"),
        p95_duration_ms=events.duration_ms.quantile(0.95),
        measured=events.duration_ms.count(),
    )


def facets(seen: Seen, filter: AuditFilter) -> ir.Table:
    """Long table `facet, value, count, values, rank`: for each facet its most frequent values, and
    one row of rank `FACET_VALUES` that sums the rest. Null is a value of its own."""
    events = filter.apply(seen.rows()).select(*FACETS.values())
    return ibis.union(
        *(
            most_frequent(facet, events.group_by(value=events[column]).agg(count=events.count()))
            for facet, column in FACETS.items()
        )
    )


def histogram(seen: Seen, filter: AuditFilter, seconds: int) -> ir.Table:
    """`bucket` (epoch seconds, a multiple of `seconds`), `total`, `error`; empty buckets are
    absent."""
    events = filter.apply(seen.rows())
    start = (events.timestamp.epoch_seconds() // seconds) * seconds
    return (
        events.group_by(bucket=start)
        .agg(total=events.count(), error=events.count(where=events.result_class == "error"))
        .order_by("bucket")
    )
