"""Calls over time, as drawn from the answer of `…/telemetry/series`: errors, or by group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import holoviews as hv

from console.views.style import at, moment, options, pointed, tokens

# Each part of a bar has one of these; what sums the rest is grey. Red is only for what failed.
COLOURS = (
    *(("accent", 0.85), ("info", 0.75), ("warn", 0.7), ("ok", 0.45), ("accent", 0.35)),
    *(("info", 0.3), ("warn", 0.3)),
)
_REST = ("muted", 0.4)
_ERRORS = (("errors", "err", 0.8), ("other calls", "accent", 0.55))


def draw(answer: Mapping[str, Any]) -> Any:
    """Bars: errors at the bottom of each, where a few are seen; or, where the answer is grouped,
    the groups on top of each other, the most frequent at the bottom."""
    seconds, buckets = answer["bucket_seconds"], answer["buckets"]
    if not any(bucket["groups"] for bucket in buckets):
        parts = [
            (*_ERRORS[0], [bucket["errors"] for bucket in buckets]),
            (*_ERRORS[1], [bucket["total"] - bucket["errors"] for bucket in buckets]),
        ]
    else:
        parts = _groups(buckets)
    top = 1.2 * max([1, *(bucket["total"] for bucket in buckets)])
    heights = [0] * len(buckets)
    layers = []
    for name, token, alpha, counts in parts:
        layers.append(_bars(buckets, seconds, heights, counts, (name, token, alpha)))
        heights = [low + count for low, count in zip(heights, counts, strict=True)]
    layers.append(pointed(buckets, seconds, _says(buckets, seconds), low=0, high=top))
    return hv.Overlay(layers).opts(hv.opts.Overlay(**options(buckets, seconds, ylim=(0, top))))


_Part = tuple[str, str, float, list[int]]  # name, token, opacity, a count for each bucket


def _groups(buckets: Sequence[Mapping[str, Any]]) -> list[_Part]:
    whole: dict[str, int] = {}
    for bucket in buckets:
        for name, count in bucket["groups"].items():
            whole[name] = whole.get(name, 0) + count
    order = sorted(whole, key=lambda name: (name == "other", -whole[name], name))
    return [
        (
            name,
            *(COLOURS[place % len(COLOURS)] if name != "other" else _REST),
            [bucket["groups"].get(name, 0) for bucket in buckets],
        )
        for place, name in enumerate(order)
    ]


def _bars(
    buckets: Sequence[Mapping[str, Any]],
    seconds: int,
    low: Sequence[int],
    counts: Sequence[int],
    look: tuple[str, str, float],
) -> Any:
    name, token, alpha = look
    step = timedelta(seconds=seconds)
    bars = [
        (moment(bucket["ts"]), base, moment(bucket["ts"]) + step, base + count)
        for bucket, base, count in zip(buckets, low, counts, strict=True)
    ]
    return hv.Rectangles(bars, ["start", "low", "end", "high"], label=name).opts(
        color=tokens()[token], alpha=alpha, line_color=tokens()["surface"]
    )


def _says(buckets: Sequence[Mapping[str, Any]], seconds: int) -> list[tuple[str, list[str]]]:
    lines = [
        ("from", [at(moment(bucket["ts"]), seconds) for bucket in buckets]),
        ("calls", [f"{bucket['total']:,}" for bucket in buckets]),
        ("errors", [f"{bucket['errors']:,}" for bucket in buckets]),
    ]
    if any(bucket["groups"] for bucket in buckets):
        lines.append(("of", [_parts(bucket["groups"]) for bucket in buckets]))
    return lines


def _parts(groups: Mapping[str, int]) -> str:
    """Names come from transcripts: they are values of the hover, never a part of its template."""
    most = sorted(groups.items(), key=lambda one: (-one[1], one[0]))
    return ", ".join(f"{name} {count:,}" for name, count in most) or "–"
