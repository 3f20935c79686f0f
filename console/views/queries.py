"""The queries that were asked, as a table, from the answer of `…/observability/queries`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import holoviews as hv

COLUMNS = (
    *("query", "count", "people", "p50_duration_ms", "p95_duration_ms"),
    *("errors", "error_rate", "denied", "tables"),
)


def draw(answer: Mapping[str, Any]) -> Any:
    """A table of the rows as they came. Its cells are texts, whatever stands in them."""
    columns: dict[str, list[Any]] = {
        name: [_cell(row[name]) for row in answer["rows"]] for name in COLUMNS
    }
    return hv.Table(columns, list(COLUMNS)).opts(width=1000, height=420)


def _cell(value: Any) -> Any:
    return ", ".join(value) if isinstance(value, list) else "" if value is None else value
