"""Events over time with their errors, as drawn from the answer of `…/observability/histogram`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import holoviews as hv

from console.views.style import at, moment, options, tokens


def draw(answer: Mapping[str, Any]) -> Any:
    """Errors stand at the bottom of each bar, where a few are seen."""
    seconds = answer["bucket_seconds"]
    step = timedelta(seconds=seconds)
    bars: dict[str, list[Any]] = {"error": [], "other": []}
    for bucket in answer["buckets"]:
        start, total, error = moment(bucket["ts"]), bucket["total"], bucket["error"]
        said = (at(start, seconds), total, error)
        bars["error"].append((start, 0, start + step, error, *said))
        bars["other"].append((start, error, start + step, total, *said))
    top = max([1, *(bucket["total"] for bucket in answer["buckets"])])
    parts = [_bars(bars["other"], "events", "accent"), _bars(bars["error"], "errors", "err")]
    return hv.Overlay(parts).opts(
        hv.opts.Overlay(**options(answer["buckets"], seconds, ylim=(0, top * 1.2)))
    )


def _bars(bars: list[Any], label: str, token: str) -> Any:
    names = ["when", "total", "error"]
    return hv.Rectangles(bars, ["start", "low", "end", "high"], names, label=label).opts(
        color=tokens()[token],
        alpha=0.8,
        line_color=tokens()["surface"],
        tools=["hover"],
        hover_tooltips=[("", "@when"), ("events", "@total"), ("errors", "@error")],
    )
