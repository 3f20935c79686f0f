"""Which queries were asked: the audit log's `query.*` rows by the text that was kept of them."""

from __future__ import annotations

from typing import Any

import ibis
import ibis.expr.types as ir

from console.queries.audit_filter import AuditFilter
from console.queries.vocabulary import by_people
from schema.policy import Seen

PREFIX = "query."
MOST_TEXTS = 5000  # distinct texts of one answer; bounds its work


def texts(seen: Seen, filter: AuditFilter) -> ir.Table:
    """The `MOST_TEXTS` most frequent texts as they were asked: `text` (None where none was kept),
    `count, errors, denied, users, durations, last_at, last_id, last_params`, and `all_texts,
    all_events`, the same in each row. Durations and users come whole: texts that look alike to
    the reader are joined afterwards, and neither distinct people nor percentiles can be summed."""
    events = filter.apply(seen.rows())
    asked = events.filter(events.action.startswith(PREFIX))
    text: Any = asked.params.try_cast("json")["sql_preview"].str
    keyed = asked.mutate(text=text, place=ibis.struct({"at": asked.timestamp, "id": asked.id}))
    counted = keyed.group_by("text").agg(
        count=keyed.count(),
        errors=keyed.count(where=keyed.result_class == "error"),
        denied=keyed.count(where=keyed.result_class == "denied"),
        users=keyed.user_id.collect(where=by_people(keyed), distinct=True),
        durations=keyed.duration_ms.collect(),
        last_at=keyed.timestamp.max(),
        last_id=keyed.id.argmax(keyed.place),
        last_params=keyed.params.argmax(keyed.place),
    )
    whole = counted.aggregate(all_texts=counted.count(), all_events=counted["count"].sum())
    summed = counted.cross_join(whole)  # no window: console/queries/counted.py says why
    return summed.order_by([ibis.desc("count"), ibis.desc("last_at"), ibis.asc("text")]).limit(
        MOST_TEXTS
    )
