"""Deleting what is older than the settings allow: usage events, audit rows, feedback reports.

Nothing is deleted unless a setting says so. Whatever is deleted leaves an audit row with its count
and range; daily figures of pruned days stay, and so does what was decided on a group of reports of
which some are younger.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import ibis.expr.types as ir

from console.audit import Caller, entry, now
from console.feedback import groups
from console.instance import Instance
from console.notifications import bell
from console.processing import midnight
from console.queries import feedback as queries
from schema.bind import At
from schema.table import Table, rows_of
from schema.tables import AUDIT_LOG, FEEDBACK_HISTORY, FEEDBACK_REPORTS, TABLES, USAGE_EVENTS
from schema.transaction import Transaction


async def prune(instance: Instance, caller: Caller) -> dict[str, Any]:
    """Everything that has a retention setting: `{usage, audit, feedback}`. Messages that were read
    long ago go without one: they say nothing that the log does not."""
    await instance.store.awrite(bell.prune(now()))
    return {
        "usage": await prune_usage(instance, caller),
        "audit": await _prune(
            instance,
            caller,
            "AGNES_AUDIT_RETENTION_DAYS",
            {AUDIT_LOG: "timestamp"},
            action="audit.prune",
        ),
        "feedback": await _prune(
            instance,
            caller,
            "AGNES_FEEDBACK_RETENTION_DAYS",
            {FEEDBACK_REPORTS: "created_at", FEEDBACK_HISTORY: "at"},
            action="audit.prune",
        ),
    }


async def prune_usage(instance: Instance, caller: Caller) -> dict[str, Any]:
    setting = "USAGE_EVENTS_RETENTION_DAYS"
    tables = {USAGE_EVENTS: "occurred_at"}
    return await _prune(instance, caller, setting, tables, action="usage.prune")


async def _prune(
    instance: Instance,
    caller: Caller,
    setting: str,
    tables: Mapping[Table, str],
    *,
    action: str,
) -> dict[str, Any]:
    """`{status: skipped, reason}`, or `{status: ok, retention_days, deleted, remaining}`."""
    days = getattr(instance.settings, setting.removeprefix("AGNES_").lower())
    if not days:
        return {"status": "skipped", "reason": f"{setting} is 0: everything is kept"}
    before = midnight(days)

    def step(transaction: Transaction) -> dict[str, Any]:
        said: dict[str, Any] = {}
        for table, column in tables.items():
            (old,) = transaction.ask(_older, table.name, column, At(before))
            if old["rows"] and table == FEEDBACK_REPORTS:
                groups.forget(transaction, transaction.ask(queries.sent_before, At(before)))
            elif old["rows"]:
                transaction.delete_before(table, column, before)
            said[table.name] = {
                "deleted": old["rows"],
                "first": _iso(old["first"]),
                "last": _iso(old["last"]),
                "remaining": old["total"] - old["rows"],
            }
        if any(one["deleted"] for one in said.values()):
            resource = f"retention:{next(iter(tables)).name}"
            params = {"retention_days": days, **said}
            transaction.insert(entry(caller, action, resource=resource, params=params))
        return said

    said = await instance.store.awrite(step)
    return {
        "status": "ok",
        "retention_days": days,
        "deleted": sum(one["deleted"] for one in said.values()),
        "remaining": sum(one["remaining"] for one in said.values()),
        "tables": said,
    }


def _older(name: str, column: str, before: At) -> ir.Table:
    """`rows, first, last` of what is older; `total` of all."""
    rows = rows_of(TABLES[name])
    old = rows[column] < before.moment
    return rows.aggregate(
        rows=rows.count(where=old),
        first=rows[column].min(where=old),
        last=rows[column].max(where=old),
        total=rows.count(),
    )


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat() + "Z"
