"""The most frequent values of a thing and the sum of all others: how every facet is counted."""

from __future__ import annotations

from collections.abc import Collection

import ibis
import ibis.expr.types as ir

FACET_VALUES = 50  # that are told by name


def most_frequent(facet: str, counted: ir.Table, *, also: Collection[str] = ()) -> ir.Table:
    """`facet, value, count, values, rank` of `counted`, which has `value` and `count`: a row for
    each of the most frequent values, and one of rank `FACET_VALUES` that sums the rest, which are
    `values`. Null is a value of its own. `also`: further columns to sum."""
    order = [ibis.desc("count"), ibis.asc("value")]
    ranked = counted.mutate(rank=ibis.row_number().over(order_by=order))
    kept = ranked.rank < FACET_VALUES
    places = ranked.mutate(
        rank=ibis.ifelse(kept, ranked.rank, FACET_VALUES),
        value=ibis.ifelse(kept, ranked.value, ibis.null("string")),
    )
    return places.group_by("rank").agg(
        facet=ibis.literal(facet),
        value=places.value.max(),
        **{name: places[name].sum() for name in ("count", *also)},
        values=places.count(),
    )
