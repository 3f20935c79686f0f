"""Tokens by model. They are counted by session, so a session is counted under its main model."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import ibis
import ibis.expr.types as ir

from console.queries.telemetry_filter import TelemetryFilter, tested
from schema.policy import Seen
from schema.tables import USAGE_SESSION_SUMMARY

TOKENS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens")
# Sums over sessions are telemetry: who holds that grant sees them, though not the sessions.
SUMMED = replace(USAGE_SESSION_SUMMARY, surface="telemetry")
# Terms that a session answers by itself -> its column.
_OWN = {"user_id": "user_id", "username": "username", "model": "primary_model"}


def by_model(sessions: Seen, events: Seen, filter: TelemetryFilter) -> ir.Table:
    """`model, sessions` and `TOKENS` of sessions that began in the window. A term about calls keeps
    the sessions in which the filter finds one."""
    rows: Any = sessions.rows()
    at = ibis.coalesce(rows.started_at, rows.uploaded_at)
    rows = rows.filter(at >= filter.since, at <= filter.until)
    for name, value in filter.terms.items():
        if name in _OWN:
            column = rows[_OWN[name]]
            rows = rows.filter(tested(column, value))
    calls = {name: text for name, text in filter.terms.items() if name not in _OWN}
    if calls:
        files = replace(filter, terms=calls).apply(events.rows()).session_file
        rows = rows.filter(rows.session_file.isin(files))
    return rows.group_by(model=rows.primary_model).agg(
        sessions=rows.count(),
        **{name: rows[name].sum().fill_null(0).cast("int64") for name in TOKENS},
    )
