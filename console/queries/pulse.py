"""Questions of the health pulse. Each takes tables and a moment and gives a small table."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from console.queries.vocabulary import by_people, with_derived
from schema.bind import At
from schema.table import rows_of
from schema.tables import (
    AUDIT_LOG,
    JOB_RUNS,
    SESSION_FILES,
    SESSION_PROCESSOR_STATE,
    SYNC_HISTORY,
    TABLE_REGISTRY,
)

GIVEN_UP = 3  # attempts after which a file is set aside


def last_tick(since: At) -> ir.Table:
    """`at`: when the scheduler last did something, at or after `since`."""
    events = rows_of(AUDIT_LOG)
    return _last_tick(events.filter(events.timestamp >= since.moment))


def last_tick_ever() -> ir.Table:
    """`at`: when the scheduler last did something."""
    return _last_tick(rows_of(AUDIT_LOG))


def _last_tick(rows: ir.Table) -> ir.Table:
    events = with_derived(rows)
    ticks = events.filter((events.source == "scheduler") | (events.action == "script_runner.tick"))
    return ticks.aggregate(at=ticks.timestamp.max())


def events_after(moment: At) -> ir.Table:
    """`events`: how many events lie after a moment."""
    events = rows_of(AUDIT_LOG)
    return events.filter(events.timestamp > moment.moment).aggregate(
        events=lambda rows: rows.count()
    )


def people_since(start: At) -> ir.Table:
    """`people`: how many people did something."""
    events = rows_of(AUDIT_LOG)
    acting = events.filter(events.timestamp >= start.moment, by_people(events))
    return acting.aggregate(people=acting.user_id.nunique())


def syncs_since(start: At) -> ir.Table:
    """`table_id, ok, failed` of each table with an attempt, most failures first."""
    syncs = rows_of(SYNC_HISTORY)
    recent = syncs.filter(syncs.synced_at >= start.moment)
    good = recent.status.isin(("ok", "success"))
    skipped = recent.status.isnull() | (recent.status == "skipped")
    return (
        recent.group_by("table_id")
        .agg(ok=recent.count(where=good), failed=recent.count(where=~good & ~skipped))
        .order_by([ibis.desc("failed"), "table_id"])
    )


def scheduled_tables() -> ir.Table:
    """`scheduled`: how many registered tables have a schedule."""
    registry = rows_of(TABLE_REGISTRY)
    return registry.aggregate(scheduled=registry.count(where=registry.schedule.notnull()))


def processing() -> ir.Table:
    """`at, items`: when a processor last finished, be it that nothing was left to do; and over how
    many files one ever has."""
    states, runs = rows_of(SESSION_PROCESSOR_STATE), rows_of(JOB_RUNS)
    done = states.filter(states.error.isnull())
    well = runs.filter(runs.job_name == "process_sessions", runs.status.isin(("ok", "skipped")))
    files = done.aggregate(at=done.processed_at.max(), items=done.count())
    beats = well.aggregate(beat=well.finished_at.max())
    both = files.cross_join(beats)
    return both.select("items", at=ibis.greatest(both["at"], both.beat))


def ingest(day_ago: At, hour_ago: At) -> ir.Table:
    """`ever`: files ever uploaded; `uploaded`: in the last day; `processed` of these; `late`: older
    than an hour and not processed; `failed`: given up for good. Subagents' files belong to their
    parent and are not counted."""
    files, states = rows_of(SESSION_FILES), rows_of(SESSION_PROCESSOR_STATE)
    files = files.filter(files.parent.isnull())
    per_file = states.group_by("session_file").agg(
        done_at=states.processed_at.max(where=states.error.isnull()),
        given_up=states.count(where=states.error.notnull() & (states.attempts >= GIVEN_UP)),
    )
    joined = files.left_join(per_file, "session_file")
    recent = joined.uploaded_at >= day_ago.moment
    done = joined.done_at.notnull() & (joined.done_at >= joined.uploaded_at)
    dead = joined.given_up.fill_null(0) > 0
    return joined.aggregate(
        ever=joined.count(),
        uploaded=joined.count(where=recent),
        processed=joined.count(where=recent & done),
        late=joined.count(
            where=recent & (joined.uploaded_at < hour_ago.moment) & ~done.fill_null(False)
        ),
        failed=joined.count(where=recent & dead & ~done.fill_null(False)),
    )
