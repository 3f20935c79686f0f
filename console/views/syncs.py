"""Table syncs over time, as drawn from the answer of `…/observability/syncs`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import holoviews as hv

from console.views.style import at, moment, options, tokens

_STATES = {"ok": "ok", "some failed": "warn", "failed": "err"}


def draw(answer: Mapping[str, Any]) -> Any:
    """One line for each table, the worst at the top, as on the page."""
    seconds = answer["bucket_seconds"]
    step = timedelta(seconds=seconds)
    cells: dict[str, list[Any]] = {state: [] for state in _STATES}
    names = [table["table_id"] or "–" for table in answer["tables"]]
    for place, table in enumerate(answer["tables"]):
        low = len(names) - place - 1
        for bucket, cell in zip(answer["buckets"], table["cells"], strict=True):
            if cell:
                start = moment(bucket)
                said = (names[place], at(start, seconds), cell["runs"], cell["failed"])
                box = (start, low + 0.1, start + step, low + 0.9)
                cells[_state(cell)].append((*box, *said))
    buckets = [{"ts": bucket} for bucket in answer["buckets"]]
    ticks = [(len(names) - place - 0.5, name) for place, name in enumerate(names)]
    shape = {"ylim": (0, max(1, len(names))), "yticks": ticks or 1, "height": 80 + 24 * len(names)}
    parts = [_boxes(boxes, state) for state, boxes in cells.items()]
    return hv.Overlay(parts).opts(hv.opts.Overlay(**options(buckets, seconds, **shape)))


def _state(cell: Mapping[str, int]) -> str:
    if not cell["failed"]:
        return "ok"
    return "failed" if cell["failed"] == cell["runs"] else "some failed"


def _boxes(boxes: list[Any], state: str) -> Any:
    names = ["table", "when", "runs", "failed"]
    shown = [(name, f"@{name}") for name in names]
    return hv.Rectangles(boxes, ["start", "low", "end", "high"], names, label=state).opts(
        color=tokens()[_STATES[state]],
        line_color=tokens()["surface"],
        tools=["hover"],
        hover_tooltips=shown,
    )
