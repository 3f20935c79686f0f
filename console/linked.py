"""The record behind an event: the sync, the report, the processor's state, the job's run, the
session's file. SPEC section 5.

Shown only as far as the reader may see that record: an event is no way around its rights.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import ibis
import ibis.expr.types as ir
import orjson

from console.activity import Reader
from schema.bind import Value, point
from schema.policy import Seen
from schema.table import Table
from schema.tables import (
    FEEDBACK_REPORTS,
    JOB_RUNS,
    SESSION_FILES,
    SESSION_PROCESSOR_STATE,
    SYNC_HISTORY,
)

Row = dict[str, Any]
MOST = 50
_APART = ("session_excerpt", "idempotency_key")


@dataclass(frozen=True)
class Keys:
    """What records are found by, as an argument of a question."""

    keys: tuple[Any, ...]

    def shape(self) -> Hashable:
        return len(self.keys)

    def values(self) -> Mapping[str, Value]:
        return {f"k{place}": key for place, key in enumerate(self.keys)}

    def bound(self, prefix: str) -> Self:
        points = (point(prefix + name, value) for name, value in self.values().items())
        return replace(self, keys=tuple(points))


def _ids(params: Row, *names: str) -> list[str]:
    found: list[str] = []
    for name in names:
        value = params.get(name)
        found += (
            [str(part) for part in value] if isinstance(value, list) else [str(value)] * bool(value)
        )
    return found


def _of(event: Row, prefix: str) -> list[str]:
    """The resource of an event, without the word that says what it is."""
    resource = event["resource"] or ""
    return [resource.removeprefix(prefix)] if resource.startswith(prefix) else []


def _syncs(event: Row, params: Row) -> list[str]:
    return _ids(params, "sync_id", "sync_ids")


def _reports(event: Row, params: Row) -> list[str]:
    return [*_ids(params, "report_id"), *_of(event, "report:")]


def _states(event: Row, params: Row) -> list[str]:
    return [event["action"].partition(":")[2]]


def _runs(event: Row, params: Row) -> list[str]:
    return [*_ids(params, "run_id"), event["correlation_id"] or ""]


def _sessions(event: Row, params: Row) -> list[str]:
    return [*_ids(params, "session_file", "session_files"), *_of(event, "session:")]


def records(seen: Seen, column: str, newest: str, keys: Keys) -> ir.Table:
    """The records with one of these keys, newest first; of a report not what came along with it."""
    rows = seen.rows()
    rows = rows.drop(*(name for name in _APART if name in rows.columns))
    return rows.filter(rows[column].isin(keys.keys)).order_by(ibis.desc(newest)).limit(MOST)


@dataclass(frozen=True)
class Link:
    """Events whose action has this beginning have records of this kind behind them."""

    beginning: str
    kind: str
    table: Table
    column: str
    newest: str
    keys: Callable[[Row, Row], list[str]]


LINKS = (
    Link("sync.", "sync", SYNC_HISTORY, "id", "synced_at", _syncs),
    Link("feedback.", "report", FEEDBACK_REPORTS, "id", "created_at", _reports),
    Link(
        *("run_session_processor:", "processor", SESSION_PROCESSOR_STATE),
        *("processor_name", "processed_at", _states),
    ),
    Link("run_job:", "job", JOB_RUNS, "id", "queued_at", _runs),
    Link("job.", "job", JOB_RUNS, "id", "queued_at", _runs),
    Link("session", "session", SESSION_FILES, "session_file", "uploaded_at", _sessions),
)


def linked(reader: Reader, event: Row) -> Row | None:
    """`{kind, record, records}` of the raw `event`, or None where nothing is linked or may be
    seen."""
    params = _params(event["params"])
    for link in LINKS:
        if not event["action"].startswith(link.beginning):
            continue
        keys = tuple(dict.fromkeys(key for key in link.keys(event, params) if key))[:MOST]
        if not keys:
            return None
        seen = Seen(link.table, reader.principal)
        found = reader.instance.store.rows(records, seen, link.column, link.newest, Keys(keys))
        return {"kind": link.kind, "record": found[0], "records": found} if found else None
    return None


def _params(text: str | None) -> Row:
    try:
        value = orjson.loads(text or "{}")
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}
