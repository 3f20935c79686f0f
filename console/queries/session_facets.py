"""Figures of the sessions that match: cards and facets."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from console.queries.counted import count_where
from console.queries.facets import most_frequent
from console.queries.session_findings import FindingFilter
from console.queries.sessions import VERDICTS, SessionFilter, SessionsSeen

# Facets that part the sessions -> the column they count.
FACETS = {
    "users": "user_id",
    "models": "primary_model",
    "verdicts": "verdict",
    "processed": "processed",
}
# Facets of what was found in them: a session may count in several, or in none.
FOUND = {"findings": "finding_type", "severities": "severity"}


def kpis(seen: SessionsSeen, filter: SessionFilter) -> ir.Table:
    """One row of figures; `v_<verdict>` are the sessions of each, `v_none` those without one."""
    rows = seen.matching(filter)
    verdicts = {f"v_{name}": count_where(rows.verdict == name) for name in VERDICTS}
    return rows.aggregate(
        sessions_total=rows.count(),
        distinct_users=rows.user_id.nunique(),
        error_sessions=count_where(rows.tool_errors > 0),
        tool_calls_total=rows.tool_calls.sum().fill_null(0),
        tool_errors_total=rows.tool_errors.sum().fill_null(0),
        processed=count_where(rows.processed),
        with_findings=count_where(rows.findings > 0),
        findings_total=rows.findings.sum().fill_null(0),
        tokens_total=rows.tokens.sum().fill_null(0),
        active_seconds_total=rows.active_seconds.sum().fill_null(0.0),
        **verdicts,
        v_none=count_where(rows.verdict.isnull()),
    )


def facets(seen: SessionsSeen, filter: SessionFilter) -> ir.Table:
    """Long table `facet, value, count, findings, values, rank`: for each facet its most frequent
    values by sessions, and one row of rank `FACET_VALUES` that sums the rest. Null is a value of
    its own. `findings` is how many there are of that kind, null where a facet has none."""
    rows = seen.matching(filter).select(*FACETS.values())
    nothing = ibis.null("int64")
    parts = [
        most_frequent(
            facet,
            rows.group_by(value=rows[column].cast("string")).agg(
                count=rows.count(), findings=nothing
            ),
            also=("findings",),
        )
        for facet, column in FACETS.items()
    ]
    found = FindingFilter(filter).apply(seen).select("session_file", *FOUND.values())
    for facet, column in FOUND.items():
        sessions, findings = found.session_file.nunique(), found.count()
        of_kind = found.group_by(value=found[column])
        counted = of_kind.agg(count=sessions, findings=findings)
        parts.append(most_frequent(facet, counted, also=("findings",)))
    return ibis.union(*parts)
