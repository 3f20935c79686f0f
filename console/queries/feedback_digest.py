"""Questions that only the daily digest of reports asks."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from console.queries.feedback import SHOWN, ReportsSeen
from schema.bind import At, Text
from schema.policy import Seen
from schema.table import rows_of
from schema.tables import JOB_RUNS

UNCLOSED = ("open", "triaged")
_REOPENED = '{"what":"reopened"'  # how such a row of the history begins


def reopened(seen: ReportsSeen, history: Seen, since: At, end: At) -> ir.Table:
    """The heads of the groups that came back in that time after they were resolved."""
    changes = history.rows()
    changes = changes.filter(
        changes["at"] >= since.moment,
        changes["at"] < end.moment,
        changes.change.startswith(_REOPENED),
    )
    rows = seen.rows()
    back = rows.filter(rows.id.isin(changes.report_id))
    rows = seen.rows()
    heads = rows.filter(rows.merged_into.isnull(), rows.id.isin(back.head_id))
    return heads.order_by([ibis.desc("last_at"), "id"]).select(*SHOWN)


def closed(seen: ReportsSeen, since: At, end: At) -> ir.Table:
    """The heads of the groups that were closed in that time and still are."""
    rows = seen.rows()
    heads = rows.filter(
        rows.merged_into.isnull(), rows.resolved_at >= since.moment, rows.resolved_at < end.moment
    )
    return heads.order_by([ibis.desc("resolved_at"), "id"]).select(*SHOWN)


def waiting(seen: ReportsSeen, limit: int) -> ir.Table:
    """The heads of the groups that nobody has closed, the longest waiting first."""
    rows = seen.rows()
    heads = rows.filter(rows.merged_into.isnull(), rows.status.isin(UNCLOSED))
    return heads.order_by(["first_at", "id"]).limit(limit).select(*SHOWN)


def daily(seen: ReportsSeen, since: At, end: At) -> ir.Table:
    """`day`, `reports`: how many came; days without are absent."""
    rows = seen.rows()
    rows = rows.filter(rows.created_at >= since.moment, rows.created_at < end.moment)
    return rows.group_by(day=rows.created_at.date()).agg(reports=lambda some: some.count())


def running(run: Text, job: Text) -> ir.Table:
    """`id` of a run of this job that is going on."""
    rows = rows_of(JOB_RUNS)
    found = rows.filter(rows.id == run.text, rows.job_name == job.text, rows.status == "running")
    return found.select("id")
