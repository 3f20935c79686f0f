"""People by hour, day or week, as drawn from the answer of `…/observability/usage`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import holoviews as hv

from console.views.style import at, moment, options, tokens

KINDS = {"web": "info", "cli": "warn", "agent": "ok"}
_HOVER = ("when", "people", "people_7d", "new_people", "kinds")


def draw(answer: Mapping[str, Any]) -> Any:
    """Bars: distinct people; pale where the window holds only a part. Lines: each kind of client,
    and people of the seven days up to each day. Lines, no stack: one person has several kinds."""
    seconds = answer["bucket_seconds"]
    rows = [_row(bucket, seconds) for bucket in answer["buckets"]]
    kinds = [kind["client_kind"] for kind in answer["kinds"]]
    parts = [
        _bars(rows, "people", partial=False),
        _bars(rows, "partial", partial=True),
        *(_line(rows, kind, KINDS.get(kind, "muted"), dashed=True) for kind in kinds),
    ]
    if answer["unit"] == "day":
        parts.append(_line(rows, "people_7d", "accent", label="in 7 days"))
    tops = [row["people"] for row in rows] + [row["people_7d"] or 0 for row in rows]
    top = max([1, *tops])
    return hv.Overlay(parts).opts(
        hv.opts.Overlay(**options(answer["buckets"], seconds, ylim=(0, top * 1.25)))
    )


def _row(bucket: Mapping[str, Any], seconds: int) -> dict[str, Any]:
    start = moment(bucket["ts"])
    kinds = bucket["kinds"]
    return {
        "start": start,
        "middle": start + timedelta(seconds=seconds / 2),
        "end": start + timedelta(seconds=seconds),
        "when": at(start, seconds) + (", partial" if bucket["partial"] else ""),
        "people": bucket["people"],
        "people_7d": bucket["people_7d"],
        "new_people": bucket["new_people"],
        "partial": bucket["partial"],
        "counts": kinds,
        "kinds": ", ".join(f"{kind} {count}" for kind, count in sorted(kinds.items())) or "–",
    }


def _bars(rows: list[dict[str, Any]], label: str, *, partial: bool) -> Any:
    chosen = [row for row in rows if bool(row["partial"]) is partial]
    bars = [
        (row["start"], 0, row["end"], row["people"], *(_text(row[name]) for name in _HOVER))
        for row in chosen
    ]
    shown = [("", "@when"), ("people", "@people"), ("in 7 days", "@people_7d")]
    shown += [("new", "@new_people"), ("through", "@kinds")]
    return hv.Rectangles(bars, ["start", "low", "end", "high"], list(_HOVER), label=label).opts(
        color=tokens()["accent"],
        alpha=0.18 if partial else 0.4,
        line_color=tokens()["surface"],
        tools=["hover"],
        hover_tooltips=shown,
        show_legend=bool(chosen),
    )


def _text(value: Any) -> str:
    return "–" if value is None else str(value)


def _line(
    rows: list[dict[str, Any]], name: str, token: str, *, label: str = "", dashed: bool = False
) -> Any:
    values = [row["counts"].get(name, 0) if dashed else row[name] for row in rows]
    points = list(zip((row["middle"] for row in rows), values, strict=True))
    return hv.Curve(points, "time", label or name, label=label or name).opts(
        color=tokens()[token],
        line_width=1.5 if dashed else 2,
        line_dash="dashed" if dashed else "solid",
    )
