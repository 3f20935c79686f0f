"""The record behind an event: the sync, the report, the processor's state, the job's run. SPEC
section 5.

Shown only as far as the reader may see that record: an event is no way around its rights.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ibis
import ibis.expr.types as ir
import orjson

from console.activity import Reader
from schema.policy import visible
from schema.table import Table
from schema.tables import FEEDBACK_REPORTS, JOB_RUNS, SESSION_PROCESSOR_STATE, SYNC_HISTORY

Row = dict[str, Any]
Find = Callable[[ir.Table, Row, Row], ir.Table]
MOST = 50


def _ids(params: Row, *names: str) -> list[str]:
    found: list[str] = []
    for name in names:
        value = params.get(name)
        found += (
            [str(part) for part in value] if isinstance(value, list) else [str(value)] * bool(value)
        )
    return found


def _syncs(rows: ir.Table, event: Row, params: Row) -> ir.Table:
    return rows.filter(rows.id.isin(_ids(params, "sync_id", "sync_ids"))).order_by(
        ibis.desc("synced_at")
    )


def _reports(rows: ir.Table, event: Row, params: Row) -> ir.Table:
    resource = (event["resource"] or "").removeprefix("report:")
    return rows.filter(rows.id.isin([*_ids(params, "report_id"), resource]))


def _states(rows: ir.Table, event: Row, params: Row) -> ir.Table:
    name = event["action"].partition(":")[2]
    return rows.filter(rows.processor_name == name).order_by(ibis.desc("processed_at"))


def _runs(rows: ir.Table, event: Row, params: Row) -> ir.Table:
    return rows.filter(rows.id.isin([*_ids(params, "run_id"), event["correlation_id"] or ""]))


# Beginning of the action -> kind of record, its table, how to find it.
LINKS: tuple[tuple[str, str, Table, Find], ...] = (
    ("sync.", "sync", SYNC_HISTORY, _syncs),
    ("feedback.", "report", FEEDBACK_REPORTS, _reports),
    ("run_session_processor:", "processor", SESSION_PROCESSOR_STATE, _states),
    ("run_job:", "job", JOB_RUNS, _runs),
)


def linked(reader: Reader, event: Row) -> Row | None:
    """`{kind, record, records}` of the raw `event`, or None where nothing is linked or may be
    seen."""
    params = _params(event["params"])
    for beginning, kind, table, find in LINKS:
        if event["action"].startswith(beginning):
            rows = find(visible(table, reader.principal), event, params).limit(MOST)
            records = reader.instance.store.read(rows).to_pylist()
            return {"kind": kind, "record": records[0], "records": records} if records else None
    return None


def _params(text: str | None) -> Row:
    try:
        value = orjson.loads(text or "{}")
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}
