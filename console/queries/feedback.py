"""Questions about reports. A *report* is one row; the reports of a *group* are one that nothing was
merged into, its *head*, and its duplicates. Status, assignee, tags and answer are the head's.

The first half asks for reports as people read them, by what they may see. The second half is for
the steps of a write, which decide nothing about rights.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import ibis
import ibis.expr.types as ir

from console.queries.audit import Order
from console.queries.counted import with_total
from console.queries.feedback_filter import HEADS, FeedbackFilter
from schema.bind import At, Text, Texts, Value
from schema.policy import Principal, Seen, SeenGroups
from schema.table import rows_of
from schema.tables import (
    AUDIT_LOG,
    FEEDBACK_HISTORY,
    FEEDBACK_REPORTS,
    RESOURCE_GRANTS,
    SESSION_FILES,
    SESSION_FINDINGS,
    USER_GROUPS,
    USERS,
)

HEAVY = ("session_excerpt",)  # up to a megabyte: read only of one report
KEPT = tuple(name for name in FEEDBACK_REPORTS.columns if name not in HEAVY)
# What a duplicate has from its head.
OF_HEAD = (
    *("status", "assignee", "tags", "resolution", "fixed_in", "resolved_at", "resolved_by"),
    "reopened",
)
_OWN = tuple(name for name in KEPT if name not in (*OF_HEAD, "idempotency_key"))
SHOWN = (*_OWN, *OF_HEAD, "head_id", "members", "reporters", "first_at", "last_at")
# Key of `sort` -> column. `timestamp` is what `Order` breaks ties by.
SORTS = {
    "created_at": "timestamp",
    "updated_at": "updated_at",
    "last_at": "last_at",
    "duplicates": "members",
    "reporters": "reporters",
    "status": "status",
    "category": "category",
}


@dataclass(frozen=True)
class ReportsSeen:
    """The reports that one may see, each as its group stands. `found`: what was found in sessions
    that they may see, for questions that ask for it. Bindable."""

    own: Seen
    groups: SeenGroups
    found: Seen | None = None

    @classmethod
    def by(cls, principal: Principal, *, findings: bool = False) -> ReportsSeen:
        found = Seen(SESSION_FINDINGS, principal) if findings else None
        return cls(
            Seen(FEEDBACK_REPORTS, principal), SeenGroups(FEEDBACK_REPORTS, principal), found
        )

    def rows(self) -> ir.Table:
        """`SHOWN`, and `timestamp`, which is `created_at`."""
        own = self.own.rows().select(*_OWN)
        own = own.mutate(head_id=ibis.coalesce(own.merged_into, own.id), timestamp=own.created_at)
        rows = own.left_join(standing(self.groups), "head_id").drop("head_id_right")
        return rows.mutate(status=rows.status.fill_null("open"))

    def shape(self) -> Hashable:
        return self.own.shape(), self.groups.shape(), self.found and self.found.shape()

    def values(self) -> Mapping[str, Value]:
        found = self.found.values() if self.found else {}
        return {**self.own.values(), **found}  # of one and the same person

    def bound(self, prefix: str) -> Self:
        found = self.found and self.found.bound(prefix)
        return replace(self, own=self.own.bound(prefix), found=found)


def standing(groups: SeenGroups) -> ir.Table:
    """Each group: `head_id`, what its head says, `members`, `reporters`, `first_at`, `last_at`."""
    rows = groups.rows()
    rows = rows.mutate(head_id=ibis.coalesce(rows.merged_into, rows.id))
    figures = rows.group_by("head_id").agg(
        members=rows.count(),
        reporters=rows.reporter_user.nunique(),
        first_at=rows.created_at.min(),
        last_at=rows.created_at.max(),
    )
    heads = rows.filter(rows.merged_into.isnull()).select("head_id", *OF_HEAD)
    return figures.left_join(heads, "head_id").drop("head_id_right")


def matching(seen: ReportsSeen, filter: FeedbackFilter) -> ir.Table:
    """The reports that match, each with its group's head. Facets and figures count these."""
    return filter.apply(seen.rows(), seen.found.rows() if seen.found else None)


def listed(seen: ReportsSeen, filter: FeedbackFilter) -> ir.Table:
    """What a list shows: the reports that match, or the heads of their groups."""
    found = matching(seen, filter)
    if not filter.heads:
        return found
    rows = seen.rows()
    return rows.filter(rows.head_id.isin(found.head_id), rows.merged_into.isnull())


def page(seen: ReportsSeen, filter: FeedbackFilter, order: Order, limit: int) -> ir.Table:
    """At most `limit` reports in `order`, each with the `total` of them."""
    rows = with_total(listed(seen, filter))
    return order.apply(rows).limit(limit).select(*SHOWN, "timestamp", "total")


def counted(seen: ReportsSeen, filter: FeedbackFilter) -> ir.Table:
    """`total`: how many a list shows."""
    rows = listed(seen, filter)
    return rows.aggregate(total=rows.count())


def everything(seen: ReportsSeen, filter: FeedbackFilter) -> ir.Table:
    """All that a list shows, newest first: what an export holds."""
    return Order().apply(listed(seen, filter)).select(*SHOWN)


def by_id(seen: ReportsSeen, id: Text) -> ir.Table:
    rows = seen.rows()
    return rows.filter(rows.id == id.text)


def by_ids(seen: ReportsSeen, ids: Texts) -> ir.Table:
    rows = seen.rows()
    return rows.filter(rows.id.isin(ids.column))


def excerpt(own: Seen, id: Text) -> ir.Table:
    """`session_excerpt` of one report."""
    rows = own.rows()
    return rows.filter(rows.id == id.text).select("session_excerpt")


def group(seen: ReportsSeen, head: Text) -> ir.Table:
    """The reports of one group that one may see, the oldest first."""
    rows = seen.rows()
    return rows.filter(rows.head_id == head.text).order_by(["created_at", "id"]).select(*SHOWN)


def known(groups: SeenGroups, fingerprint: Text) -> ir.Table:
    """How the group stands that a new report with this fingerprint would join."""
    rows = groups.rows()
    joined = _joined(rows, fingerprint).select(joined="head_id")
    found = standing(groups)
    return found.join(joined, found.head_id == joined.joined)


def per_day(seen: ReportsSeen, heads: Texts, since: At) -> ir.Table:
    """`head_id`, `day`, `reports`: how many came in some groups; days without are absent."""
    rows = seen.rows()
    rows = rows.filter(rows.head_id.isin(heads.column), rows.created_at >= since.moment)
    return rows.group_by("head_id", day=rows.created_at.date()).agg(
        reports=lambda some: some.count()
    )


def history(seen: Seen, id: Text) -> ir.Table:
    """What was done with a report, in order."""
    rows = seen.rows()
    return rows.filter(rows.report_id == id.text).order_by(["at", "id"])


def kpis(seen: ReportsSeen, filter: FeedbackFilter) -> ir.Table:
    """`status`, and of it `groups`, `reports`, `unassigned` and `reopened` groups, `oldest_at`;
    the row without a status is all of it, with `reporters`."""
    rows = matching(seen, filter)
    figures = {
        "groups": rows.head_id.nunique(),
        "reports": rows.count(),
        "reporters": rows.reporter_user.nunique(),
        "unassigned": rows.head_id.nunique(where=rows.assignee.isnull()),
        "reopened": rows.head_id.nunique(where=rows.reopened.fill_null(0) > 0),
        "oldest_at": rows.first_at.min(),
    }
    parts = rows.group_by("status").agg(**figures)
    whole = rows.aggregate(**figures).mutate(status=ibis.null("string"))
    return ibis.union(parts, whole.select(*parts.columns))


FACETS = ("status", "category", "tag", "assignee", "reporter", "session", "finding")
_COLUMNS = {"category": "category", "assignee": "assignee", "reporter": "reporter_user"}


def facets(seen: ReportsSeen, filter: FeedbackFilter) -> ir.Table:
    """Long table `facet, value, count`: what the list would hold with that value. A report can
    have several tags and findings, a group several categories and reporters. `seen` has findings.
    """
    if seen.found is None:
        raise ValueError("this counts findings, too")
    rows = matching(seen, filter).select(*HEADS, "status", "tags", *_COLUMNS.values())
    tags = rows.filter(rows.tags.notnull()).mutate(value=_tags(rows.tags).unnest())
    found = seen.found.rows().select("session_file", "finding_type").distinct()
    with_finding = rows.inner_join(found, "session_file").mutate(value=found.finding_type)
    parts = {
        "status": rows.mutate(value=rows.status),
        "tag": tags,
        "session": rows.mutate(value=rows.session_file.notnull().ifelse("true", "false")),
        "finding": with_finding,
        **{facet: rows.mutate(value=rows[column]) for facet, column in _COLUMNS.items()},
    }
    counted = "head_id" if filter.heads else "id"
    return ibis.union(
        *(
            part.group_by("value")
            .agg(count=part[counted].nunique())
            .select("value", "count", facet=ibis.literal(facet))
            for facet, part in parts.items()
        )
    )


def _tags(column: Any) -> Any:
    return column.try_cast("array<string>")


def _joined(rows: ir.Table, fingerprint: Text) -> ir.Table:
    """`head_id` of the group that a new report joins: that of the oldest head with its fingerprint,
    else of the oldest report with it, unless these were kept apart by hand. At most one row."""
    same = rows.filter(
        rows.fingerprint == fingerprint.text, ~rows.kept_apart.fill_null(False)
    ).mutate(head_id=ibis.coalesce(rows.merged_into, rows.id))
    first = same.order_by([same.merged_into.notnull(), same.created_at, same.id]).limit(1)
    return first.select("head_id")


def admins() -> ir.Table:
    """`admins`: how many can read every report."""
    rows = rows_of(USERS)
    return rows.aggregate(admins=rows.count(where=rows.is_admin & rows.is_active))


def reading_groups() -> ir.Table:
    """`name` of each group that was granted the inbox."""
    grants = rows_of(RESOURCE_GRANTS)
    granted = grants.filter(grants.resource_type == "feedback").select(id="group_id").distinct()
    return rows_of(USER_GROUPS).semi_join(granted, "id").select("name").order_by("name")


# -- for the steps of a write


def joined(fingerprint: Text) -> ir.Table:
    """`head_id` of the group that a new report with this fingerprint joins."""
    return _joined(rows_of(FEEDBACK_REPORTS).select("id", "created_at", *_GROUPED), fingerprint)


_GROUPED = ("fingerprint", "merged_into", "kept_apart")


def stored(ids: Texts) -> ir.Table:
    """Reports by their ids, as they are kept."""
    rows = rows_of(FEEDBACK_REPORTS)
    return rows.filter(rows.id.isin(ids.column)).select(*KEPT)


def sent_before(moment: At) -> ir.Table:
    """Reports older than that, as they are kept."""
    rows = rows_of(FEEDBACK_REPORTS)
    return rows.filter(rows.created_at < moment.moment).select(*KEPT)


def duplicates(heads: Texts) -> ir.Table:
    """The duplicates of some heads, the oldest first."""
    rows = rows_of(FEEDBACK_REPORTS)
    mine = rows.filter(rows.merged_into.isin(heads.column))
    return mine.order_by(["created_at", "id"]).select(*KEPT)


def sent(reporter: Text, key: Text) -> ir.Table:
    """The report that was sent under this key, with what was answered then."""
    rows = rows_of(FEEDBACK_REPORTS)
    mine = rows.filter(rows.reporter_user == reporter.text, rows.idempotency_key == key.text)
    return mine.select("id", "fingerprint")


def created(id: Text) -> ir.Table:
    """The oldest row of a report's history."""
    rows = rows_of(FEEDBACK_HISTORY)
    mine = rows.filter(rows.report_id == id.text)
    return mine.order_by(["at", "id"]).limit(1).select("change")


def filed(reporter: Text, since: At) -> ir.Table:
    """When somebody's reports since then were sent, the newest first. The log says it, not the
    reports: who deletes one has sent it all the same."""
    rows = rows_of(AUDIT_LOG)
    mine = rows.filter(
        rows.timestamp >= since.moment,
        rows.user_id == reporter.text,
        rows.action == "feedback.report",
        rows.result == "success",
    )
    return mine.order_by(ibis.desc("timestamp")).select("timestamp")


def uploaded(session_file: Text) -> ir.Table:
    rows = rows_of(SESSION_FILES)
    mine = rows.filter(rows.session_file == session_file.text, rows.parent.isnull())
    return mine.select("session_file")
