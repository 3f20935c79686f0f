"""Questions about tables that sync: what was published, what was attempted."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
from ibis import _

from schema.bind import At
from schema.table import rows_of
from schema.tables import AUDIT_LOG, SYNC_HISTORY, TABLE_REGISTRY, TABLE_VERSIONS

LARGE = ("profile", "state")  # columns of a version that few ask for


def versions() -> ir.Table:
    """Every version of every table without what is large, newest first."""
    rows = rows_of(TABLE_VERSIONS)
    found: ir.Table = rows.drop(*LARGE).order_by([ibis.desc("synced_at"), ibis.desc("id")])
    return found


def versions_of(table_id: str) -> ir.Table:
    """The versions of one table with all that is known of them, newest first."""
    rows = rows_of(TABLE_VERSIONS)
    found: ir.Table = rows.filter(rows.table_id == table_id).order_by(
        [ibis.desc("synced_at"), ibis.desc("id")]
    )
    return found


def attempts_of(table_id: str) -> ir.Table:
    """The attempts of one table, newest first."""
    rows = rows_of(SYNC_HISTORY)
    found: ir.Table = rows.filter(rows.table_id == table_id).order_by(
        [ibis.desc("synced_at"), ibis.desc("id")]
    )
    return found


def scheduled(sources: tuple[str, ...]) -> ir.Table:
    """`id, schedule, last`: the tables of these sources with a schedule, and when their last
    attempt since they were registered began; null for none."""
    tables = rows_of(TABLE_REGISTRY)
    tables = tables.filter(_.schedule.notnull(), _.source_type.isin(sources))
    tables = tables.select("id", "schedule", "created_at")
    tried = rows_of(SYNC_HISTORY)
    took = (tried.duration_ms.fill_null(0)).as_interval("ms")
    tried = tried.select(table_id="table_id", began=tried.synced_at - took)
    joined = tables.left_join(
        tried, [tables.id == tried.table_id, tables.created_at <= tried.began]
    )
    found: ir.Table = joined.group_by("id", "schedule").aggregate(last=joined.began.max())
    return found.order_by("id")


def version_paths(table_id: str) -> ir.Table:
    """`id, path` of the versions of one table, newest first."""
    return versions_of(table_id).select("id", "path")


def newest(table_id: str) -> ir.Table:
    """The newest version of one table without its profile."""
    return versions_of(table_id).drop("profile").limit(1)


def removed() -> ir.Table:
    """`table_id, removed_at`: tables with versions that are not in the registry, and when somebody
    last took them out; null where the log does not say."""
    there = rows_of(TABLE_REGISTRY).select(there="id")
    rows = rows_of(TABLE_VERSIONS).select("table_id").distinct()
    gone = rows.anti_join(there, rows.table_id == there.there)
    log = rows_of(AUDIT_LOG)
    log = log.filter(log.action.isin(("registry.delete", "audit.rollback")))
    log = log.group_by("resource").aggregate(at=log.timestamp.max())
    gone = gone.mutate(named=ibis.literal("table:") + gone.table_id)
    joined = gone.left_join(log, gone.named == log.resource)
    return joined.select("table_id", removed_at="at")


def drifted(since: At) -> ir.Table:
    """`table_id, drift` of the attempts that published other columns than before, oldest first."""
    rows = rows_of(SYNC_HISTORY)
    rows = rows.filter(rows.synced_at >= since.moment, rows.drift.notnull(), rows.status == "ok")
    found: ir.Table = rows.order_by(["synced_at", "id"]).select("table_id", "drift")
    return found
