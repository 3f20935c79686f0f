"""p50, p95 and p99 over time, as drawn from the answer of `…/observability/performance`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import holoviews as hv

from console.figures import duration
from console.views.style import at, moment, options, pointed, tokens

PARTS = (("p50", "accent"), ("p95", "warn"), ("p99", "err"))
_TICKS = (
    *((1, "1 ms"), (10, "10 ms"), (100, "100 ms"), (1000, "1 s"), (10_000, "10 s")),
    *((60_000, "1 min"), (600_000, "10 min"), (3_600_000, "1 h"), (36_000_000, "10 h")),
)


def draw(answer: Mapping[str, Any]) -> Any:
    """Lines on a logarithmic scale: a median of 80 ms and a p99 of a minute stand in one picture. A
    stretch without durations is a gap, not a line across it."""
    seconds, buckets = answer["bucket_seconds"], answer["buckets"]
    half = timedelta(seconds=seconds / 2)
    times = [moment(bucket["ts"]) + half for bucket in buckets]
    values = {name: [_shown(bucket[_column(name)]) for bucket in buckets] for name, _ in PARTS}
    known = [value for part in values.values() for value in part if not math.isnan(value)]
    low, high = (min(known) / 1.5, max(known) * 1.5) if known else (1.0, 1000.0)
    says = [
        ("from", [at(moment(bucket["ts"]), seconds) for bucket in buckets]),
        *((name, [duration(bucket[_column(name)]) for bucket in buckets]) for name, _ in PARTS),
        ("of", [f"{bucket['measured']:,} of {bucket['count']:,} events" for bucket in buckets]),
    ]
    layers = [pointed(buckets, seconds, says, low=low, high=high)]
    layers += [_line(times, values[name], name, token) for name, token in PARTS]
    layers += [_dots(times, values[name], name, token) for name, token in PARTS]
    shape = options(buckets, seconds, logy=True, yticks=list(_TICKS), ylim=(low, high))
    return hv.Overlay(layers).opts(hv.opts.Overlay(**shape))


def _column(name: str) -> str:
    return f"{name}_duration_ms"


def _shown(milliseconds: int | None) -> float:
    """Nothing is below 1 ms on a logarithmic scale; nothing measured is no point at all."""
    return math.nan if milliseconds is None else max(1.0, milliseconds)


def _line(times: list[datetime], values: list[float], name: str, token: str) -> Any:
    width = 2 if name == "p95" else 1.5
    points = list(zip(times, values, strict=True))
    return hv.Curve(points, "time", name, label=name).opts(color=tokens()[token], line_width=width)


def _dots(times: list[datetime], values: list[float], name: str, token: str) -> Any:
    """Points: a single bucket between two gaps would have no line."""
    points = list(zip(times, values, strict=True))
    return hv.Scatter(points, "time", name).opts(color=tokens()[token], size=4, show_legend=False)
