"""Made-up usage events, each set in a window of its own, and how a test asks for them."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from console.audit import new_id
from schema.tables import USAGE_EVENTS
from schema.transaction import Rows
from tests.console.access_world import World

Row = dict[str, Any]
BASE = "/api/admin/telemetry"
SPAN = timedelta(days=2)
_windows = itertools.count()


def window() -> tuple[datetime, datetime]:
    """Two days that no other test has."""
    start = datetime(2004, 1, 1) + next(_windows) * 2 * SPAN
    return start, start + SPAN


def bounds(within: tuple[datetime, datetime]) -> dict[str, str]:
    since, until = (at.isoformat(timespec="microseconds") + "Z" for at in within)
    return {"since": since, "until": until}


def event(at: datetime, **columns: Any) -> Row:
    row: Row = dict.fromkeys(USAGE_EVENTS.columns)
    outcome = columns.get("outcome", "ok")
    row |= {"id": new_id(), "session_file": "u-1/one.jsonl", "event_type": "tool_use"}
    row |= {"outcome": outcome, "is_error": outcome == "error", "source": "builtin"}
    return {**row, "tool_name": "Bash", "occurred_at": at, **columns}


def write(world: World, rows: Iterable[Row]) -> None:
    world.store.write(Rows(USAGE_EVENTS, list(rows))).result()


def ask(world: World, path: str, params: dict[str, Any]) -> Any:
    answer = world.admin.get(f"{BASE}/{path}", params=params)
    assert answer.status_code == 200, (path, params, answer.text)
    return answer.json()
