"""A question about rollbacks: which changes were undone."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from console.queries.vocabulary import with_derived
from schema.bind import At
from schema.policy import Seen

# The id in an event's JSON text. A quote inside of a text is escaped there, so no text can pass for
# this key.
_FROM = r'"restored_from":\s*"([^"\\]*)"'


def rollbacks(seen: Seen, since: At, limit: int) -> ir.Table:
    """`id, timestamp, user_id, restored_from` of the newest rollbacks that were done at or after
    `since`. A rollback is younger than what it undoes, so `since` is the oldest change shown."""
    events = with_derived(seen.rows())
    done = events.filter(
        events.action == "audit.rollback",
        events.result_class.isin(("success", "none")),
        events.timestamp >= since.moment,
    )
    told = done.select("id", "timestamp", "user_id", restored_from=done.params.re_extract(_FROM, 1))
    return told.order_by([ibis.desc("timestamp"), ibis.desc("id")]).limit(limit)
