"""p50, p95 and p99 over time, as drawn from the answer of `…/observability/performance`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import holoviews as hv

from console.views.style import at, moment, options, span, tokens

PARTS = (("p50", "accent"), ("p95", "warn"), ("p99", "err"))
_TICKS = (
    *((1, "1 ms"), (10, "10 ms"), (100, "100 ms"), (1000, "1 s"), (10_000, "10 s")),
    *((60_000, "1 min"), (600_000, "10 min"), (3_600_000, "1 h"), (36_000_000, "10 h")),
)


def draw(answer: Mapping[str, Any]) -> Any:
    """Lines on a logarithmic scale: a median of 80 ms and a p99 of a minute stand in one picture. A
    stretch without durations is a gap, not a line across it."""
    seconds = answer["bucket_seconds"]
    half = timedelta(seconds=seconds / 2)
    rows = [
        {
            "time": moment(bucket["ts"]) + half,
            "when": at(moment(bucket["ts"]), seconds),
            **{name: _shown(bucket[f"{name}_duration_ms"]) for name, _ in PARTS},
            **{f"{name}_text": span(bucket[f"{name}_duration_ms"]) for name, _ in PARTS},
            "of": f"{bucket['measured']:,} of {bucket['count']:,} events",
        }
        for bucket in answer["buckets"]
    ]
    lines = [_line(rows, name, token) for name, token in PARTS]
    found = hv.Overlay([*lines, *(_dots(rows, name, token) for name, token in PARTS)])
    known = [row[name] for row in rows for name, _ in PARTS if row[name] == row[name]]
    low, high = (min(known), max(known)) if known else (1.0, 1000.0)
    return found.opts(
        hv.opts.Overlay(
            **options(
                answer["buckets"],
                seconds,
                logy=True,
                yticks=list(_TICKS),
                ylim=(low / 1.5, high * 1.5),
            ),
        )
    )


def _shown(milliseconds: int | None) -> float:
    """Nothing is below 1 ms on a logarithmic scale; nothing measured is no point at all."""
    return float("nan") if milliseconds is None else max(1.0, milliseconds)


def _line(rows: list[dict[str, Any]], name: str, token: str) -> Any:
    points = [(row["time"], row[name]) for row in rows]
    return hv.Curve(points, "time", name, label=name).opts(
        color=tokens()[token], line_width=2 if name == "p95" else 1.5
    )


def _dots(rows: list[dict[str, Any]], name: str, token: str) -> Any:
    """Points: a single bucket between two gaps would have no line. Those of p95 say all figures."""
    texts = ["when", "p50_text", "p95_text", "p99_text", "of"]
    points = [(row["time"], row[name], *(row[text] for text in texts)) for row in rows]
    seen: dict[str, Any] = {"tools": []}
    if name == "p95":
        shown = [("from", "@when"), *((part, f"@{part}_text") for part, _ in PARTS), ("of", "@of")]
        seen = {"tools": ["hover"], "hover_tooltips": shown, "hover_mode": "vline"}
    return hv.Scatter(points, "time", [name, *texts]).opts(
        color=tokens()[token], size=4, show_legend=False, **seen
    )
