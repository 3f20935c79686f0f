"""The words of the audit log: classes of results, sources of rows, the reads that hide themselves.

SPEC sections 4.3 and 5. One place, for the expressions, the pages and the test that walks the
code's literals.
"""

from __future__ import annotations

from typing import Any

import ibis
import ibis.expr.types as ir

RESULT_CLASSES = ("success", "error", "denied", "none", "other")
SUCCESS = ("success", "ok")
DENIED = ("denied", "blocked", "invalid_password", "deactivated")
OTHER = ("skipped",)
ERROR_PREFIX = "error"

CLIENT_KINDS = ("web", "cli", "agent", "external", "scheduler")
SOURCES = (*CLIENT_KINDS, "system", "other")
PEOPLE = ("web", "cli", "agent")  # kinds of client behind which a person sits
LOGIN_FAILED = "auth.login_failed"  # by somebody who may not be who they say

SELF_READS = ("activity.read", "telemetry.read", "sessions.read", "feedback.read")


def class_of(result: str | None) -> str:
    """The class of one result, in Python; `with_derived` computes the same for a column."""
    if result is None:
        return "none"
    if result in SUCCESS:
        return "success"
    if result.startswith(ERROR_PREFIX):
        return "error"
    return "denied" if result in DENIED else "other"


def by_people(rows: ir.Table) -> Any:
    """True for rows that a person made: signed in, and no machine. SPEC section 11."""
    return rows.user_id.notnull() & rows.client_kind.isin(PEOPLE) & (rows.action != LOGIN_FAILED)


def with_derived(rows: ir.Table) -> ir.Table:
    """`rows` of the audit log with their `source` and `result_class`."""
    result: Any = rows.result
    runs = rows.action.startswith("run_") | (rows.action == "marketplace.sync_all")
    return rows.mutate(
        source=ibis.cases(
            (rows.client_kind.length() > 0, rows.client_kind),
            (runs, "scheduler"),
            (rows.user_id.isnull(), "system"),
            else_="other",
        ),
        result_class=ibis.cases(
            (result.isnull(), "none"),
            (result.isin(SUCCESS), "success"),
            (result.startswith(ERROR_PREFIX), "error"),
            (result.isin(DENIED), "denied"),
            else_="other",
        ),
    )
