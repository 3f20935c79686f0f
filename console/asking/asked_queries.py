"""The queries that were asked, as people read them: joined by what is shown of their text.

Literals of other people's queries are `?`, so that equal questions meet and no value is told; one's
own page shows one's own texts. Blocks: call it through `store.offload`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import orjson

from console import activity
from console.activity import Reader, Row
from console.durations import LEAST, ORDERS, order
from console.masking import shown_sql
from console.queries import asked_queries
from console.queries.audit_filter import AuditFilter

SHOWN = 100
_FRAGMENT = re.compile(r"[^?\"\\…\x00-\x1f\x7f]{4,}")  # stands in the log as it is written here
_LONGEST = 120  # characters of a search

_masked = lru_cache(20_000)(shown_sql)


def queries(
    reader: Reader,
    filter: AuditFilter,
    sort: str | None = None,
    *,
    limit: int = SHOWN,
    own: bool = False,
) -> Row:
    """`rows` in the order `sort`, of `texts` different ones. `own`: the filter keeps to the
    reader's own rows, so texts are shown as they were asked. `events_total` counts every `query.*`
    event of the filter, `covered` those of the rows' texts before `limit`."""
    by = ORDERS[order(sort)]
    found = reader.ask(asked_queries.texts, filter)
    joined: dict[str | None, list[Row]] = {}
    for row in found:
        joined.setdefault(row["text"] if own else _shown(row["text"]), []).append(row)
    rows = sorted(
        (_joined(text, parts) for text, parts in joined.items()),
        key=lambda row: (*by(row), row["query"] or ""),
    )
    return {
        "window_minutes": activity.window_minutes(filter),
        "events_total": found[0]["all_events"] if found else 0,
        "covered": sum(row["count"] for row in rows),
        "texts": len(rows),
        "most_texts": asked_queries.MOST_TEXTS,
        "cut": bool(found) and found[0]["all_texts"] > len(found),
        "least": LEAST,
        "rows": rows[:limit],
    }


def _shown(text: str | None) -> str | None:
    return None if text is None else _masked(text)


def _joined(text: str | None, parts: list[Row]) -> Row:
    last = max(parts, key=lambda row: (row["last_at"], row["last_id"]))
    count = sum(row["count"] for row in parts)
    errors = sum(row["errors"] for row in parts)
    measured = [took for row in parts for took in row["durations"] or ()]
    p50, p95 = np.quantile(measured, (0.5, 0.95)).tolist() if measured else (None, None)
    return {
        "query": text,
        "count": count,
        "people": len({user for row in parts for user in row["users"] or ()}),
        "measured": len(measured),
        "p50_duration_ms": None if p50 is None else round(p50),
        "p95_duration_ms": None if p95 is None else round(p95),
        "few": len(measured) < LEAST,
        "errors": errors,
        "error_rate": round(errors / count, 4),
        "denied": sum(row["denied"] for row in parts),
        "tables": _tables(last["last_params"]),
        "last_at": last["last_at"],
        "example": last["last_id"],
    }


def _tables(params: str | None) -> list[str]:
    try:
        said: Any = orjson.loads(params or "{}")
    except orjson.JSONDecodeError:
        return []
    named: Iterable[Any] = said.get("tables") or () if isinstance(said, Mapping) else ()
    return [name for name in named if isinstance(name, str)] if isinstance(named, list) else []


def fragment(text: str | None) -> str | None:
    """The longest part of a shown text that stands in the log in the same letters: what a search
    for such queries can look for. It may find others that contain it too."""
    found = [part.strip() for part in _FRAGMENT.findall(text or "")]
    longest = max(found, key=len, default="")
    return longest[:_LONGEST].strip() or None
