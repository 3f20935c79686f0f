"""Made-up audit logs, and the ways to read one whole: what the tests of the audit log share.

Each log lies in a window of its own, long before today: tests do not see each other's rows, nor the
rows that their own reading writes.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import httpx

from console.audit import new_id
from schema.search import search_text
from schema.tables import AUDIT_LOG
from schema.transaction import Rows
from tests.console.access_world import World

Row = dict[str, Any]
ACTIVITY = "/api/admin/activity"
EXPORT = f"{ACTIVITY}/export"
KPIS, FACETS, HISTOGRAM = (
    f"/api/admin/observability/{name}" for name in ("kpis", "facets", "histogram")
)
SPAN = timedelta(hours=1)
_windows = itertools.count()


def window() -> tuple[datetime, datetime]:
    """An hour that no other test has."""
    start = datetime(2003, 1, 1) + next(_windows) * 2 * SPAN
    return start, start + SPAN


def iso(at: datetime) -> str:
    return at.isoformat(timespec="microseconds") + "Z"


def bounds(within: tuple[datetime, datetime]) -> dict[str, str]:
    return {"since": iso(within[0]), "until": iso(within[1])}


def event(at: datetime, action: str = "user.create", **columns: Any) -> Row:
    """A whole row of the log, as `console.audit.entry` would make it."""
    row: Row = dict.fromkeys(AUDIT_LOG.columns)
    row |= {"id": new_id(), "timestamp": at, "action": action, "result": "success", **columns}
    return {**row, "search": search_text(action, row["resource"], row["params"])}


def write(world: World, *rows: Row) -> list[Row]:
    world.store.write(Rows(AUDIT_LOG, rows)).result()
    return list(rows)


def ask(client: httpx.Client, path: str, params: dict[str, Any]) -> Any:
    answer = client.get(path, params=params)
    assert answer.status_code == 200, (params, answer.text)
    return answer.json()


def paged(client: httpx.Client, params: dict[str, Any], *, limit: int = 200) -> list[Row]:
    """All rows, page by page."""
    rows: list[Row] = []
    cursor: dict[str, str] = {}
    for _ in range(1000):
        page = ask(client, ACTIVITY, {**params, **cursor, "limit": limit})
        assert len(page["rows"]) <= limit
        rows += page["rows"]
        if page["next_cursor"] is None:
            return rows
        assert len(page["rows"]) == limit
        cursor = {"cursor_ts": page["next_cursor"]["ts"], "cursor_id": page["next_cursor"]["id"]}
    raise AssertionError("paging does not end")


def keys_of(value: Any) -> Iterator[str]:
    """The keys in a JSON value, at any depth."""
    if isinstance(value, dict):
        yield from value
        value = list(value.values())
    for part in value if isinstance(value, list) else ():
        yield from keys_of(part)
