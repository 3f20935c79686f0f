"""Questions about how the server is doing: what waits, and what was slow."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from console.queries.notifications import TELEGRAM, WAITING
from schema.bind import At
from schema.table import rows_of
from schema.tables import (
    AUDIT_LOG,
    JOB_RUNS,
    NOTIFICATIONS,
    SCHEMA_MIGRATIONS,
    SESSION_FILES,
    TRANSCRIPT_SEARCH,
    WEB_SESSIONS,
)

SLOWEST = 10
BY_ITSELF = ("run_", "sync.", "backup.", "script_runner.")


def slowest(since: At, most: int = SLOWEST) -> ir.Table:
    """The answers since then that took longest; what runs by itself is none: `id, timestamp,
    action, resource, user_id, result, duration_ms, client_kind`."""
    events = rows_of(AUDIT_LOG)
    late = events.filter(events.timestamp >= since.moment, events.duration_ms.notnull())
    for begin in BY_ITSELF:
        late = late.filter(~late.action.startswith(begin))
    order = [ibis.desc("duration_ms"), ibis.desc("timestamp"), ibis.desc("id")]
    rows: ir.Table = late.order_by(order).limit(most)
    return rows.select(
        *("id", "timestamp", "action", "resource", "user_id", "result"),
        *("duration_ms", "client_kind"),
    )


def outbox_waiting() -> ir.Table:
    """`waiting`: messages that are to go out."""
    rows = rows_of(NOTIFICATIONS)
    found: ir.Table = rows.aggregate(
        waiting=rows.count(where=(rows.channel == TELEGRAM) & rows.state.isin(WAITING))
    )
    return found


def not_indexed() -> ir.Table:
    """`waiting`: transcripts that do not stand in the indexes as they are now."""
    files, known = rows_of(SESSION_FILES), rows_of(TRANSCRIPT_SEARCH)
    sessions = files.filter(files.parent.isnull())
    kept = known.select(indexed=known.session_file)
    joined = sessions.left_join(kept, sessions.session_file == kept.indexed)
    found: ir.Table = joined.aggregate(waiting=joined.count(where=joined.indexed.isnull()))
    return found


def signed_in(moment: At) -> ir.Table:
    """`browsers` that are signed in then, of `people`."""
    rows = rows_of(WEB_SESSIONS)
    open_ = rows.filter(rows.expires_at > moment.moment)
    found: ir.Table = open_.aggregate(browsers=open_.count(), people=open_.user_id.nunique())
    return found


def runs_active() -> ir.Table:
    """`queued`, `running`: runs of jobs."""
    rows = rows_of(JOB_RUNS)
    found: ir.Table = rows.aggregate(
        queued=rows.count(where=rows.status == "queued"),
        running=rows.count(where=rows.status == "running"),
    )
    return found


def newest_migration() -> ir.Table:
    """`version, name` of the last migration."""
    rows = rows_of(SCHEMA_MIGRATIONS)
    found: ir.Table = rows.order_by(ibis.desc("version")).limit(1)
    return found.select("version", "name")
