"""People by hour, day or week, as drawn from the answer of `…/observability/usage`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import holoviews as hv

from console.views.style import at, moment, options, pointed, tokens

KINDS = {"web": "info", "cli": "warn", "agent": "ok"}


def draw(answer: Mapping[str, Any]) -> Any:
    """Bars: distinct people; pale where the window holds only a part. Lines: each kind of client,
    and people of the seven days up to each day. Lines, no stack: one person has several kinds."""
    seconds, buckets = answer["bucket_seconds"], answer["buckets"]
    daily = answer["unit"] == "day"
    top = 1.25 * max(max(1, bucket["people"], bucket["people_7d"] or 0) for bucket in buckets)
    layers = [
        _bars(buckets, seconds, "people", partial=False),
        _bars(buckets, seconds, "partial", partial=True),
    ]
    for kind in (kind["client_kind"] for kind in answer["kinds"]):
        counts = [bucket["kinds"].get(kind, 0) for bucket in buckets]
        layers.append(_line(buckets, seconds, counts, kind, KINDS.get(kind, "muted"), "dashed"))
    if daily:
        week = [bucket["people_7d"] for bucket in buckets]
        layers.append(_line(buckets, seconds, week, "7 days", "accent", "solid"))
    layers.append(pointed(buckets, seconds, _says(buckets, seconds, daily=daily), low=0, high=top))
    shape = options(buckets, seconds, ylim=(0, top))
    return hv.Overlay(layers).opts(hv.opts.Overlay(**shape))


def _says(
    buckets: Sequence[Mapping[str, Any]], seconds: int, *, daily: bool
) -> list[tuple[str, list[str]]]:
    when = [
        at(moment(bucket["ts"]), seconds) + (", partial" if bucket["partial"] else "")
        for bucket in buckets
    ]
    through = [
        ", ".join(f"{kind} {count}" for kind, count in sorted(bucket["kinds"].items())) or "–"
        for bucket in buckets
    ]
    week = [("7 days", [str(bucket["people_7d"]) for bucket in buckets])] if daily else []
    return [
        ("from", when),
        ("people", [str(bucket["people"]) for bucket in buckets]),
        *week,
        ("new", [str(bucket["new_people"]) for bucket in buckets]),
        ("through", through),
    ]


def _bars(buckets: Sequence[Mapping[str, Any]], seconds: int, label: str, *, partial: bool) -> Any:
    bars = []
    for bucket in buckets:
        if bucket["partial"] is partial:
            start = moment(bucket["ts"])
            bars.append((start, 0, start + timedelta(seconds=seconds), bucket["people"]))
    return hv.Rectangles(bars, ["start", "low", "end", "high"], label=label).opts(
        color=tokens()["accent"],
        alpha=0.18 if partial else 0.4,
        line_color=tokens()["surface"],
        show_legend=bool(bars) and not partial,
    )


def _line(
    buckets: Sequence[Mapping[str, Any]],
    seconds: int,
    values: Sequence[int],
    label: str,
    token: str,
    dash: str,
) -> Any:
    middle = timedelta(seconds=seconds / 2)
    times = [moment(bucket["ts"]) + middle for bucket in buckets]
    return hv.Curve(list(zip(times, values, strict=True)), "time", label, label=label).opts(
        color=tokens()[token], line_width=1.5 if dash == "dashed" else 2, line_dash=dash
    )
