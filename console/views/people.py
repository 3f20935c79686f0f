"""People who call tools, by day, as drawn from the answer of `…/telemetry/people`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import holoviews as hv

from console.views.style import at, moment, options, pointed, tokens

_DAY = 86_400  # seconds


def draw(answer: Mapping[str, Any]) -> Any:
    """Bars: distinct people of a day. The line: their mean over the days of the window."""
    days = [{"ts": moment(day["day"]), "users": day["users"]} for day in answer["dau_series"]]
    mean, step = answer["dau_avg"], timedelta(seconds=_DAY)
    top = 1.25 * max(1, mean, *(day["users"] for day in days))
    bars = [(day["ts"], 0, day["ts"] + step, day["users"]) for day in days]
    says = [
        ("day", [at(day["ts"], _DAY) for day in days]),
        ("people", [str(day["users"]) for day in days]),
    ]
    ends = [(days[0]["ts"], mean), (days[-1]["ts"] + step, mean)]
    layers = [
        hv.Rectangles(bars, ["start", "low", "end", "high"], label="people").opts(
            color=tokens()["accent"], alpha=0.4, line_color=tokens()["surface"]
        ),
        hv.Curve(ends, "time", "mean", label="mean").opts(
            color=tokens()["accent"], line_width=1.5, line_dash="dashed"
        ),
        pointed(days, _DAY, says, low=0, high=top),
    ]
    return hv.Overlay(layers).opts(hv.opts.Overlay(**options(days, _DAY, ylim=(0, top))))
