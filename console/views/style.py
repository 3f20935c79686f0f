"""How charts look: the console's own tokens, so that a chart in a notebook and one in a page are
the same picture.

Colours are those of the light theme. A page in the dark one gives each colour its other value in
the browser, where the theme is known: the figure carries the tokens it was drawn with as its tag.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import console

HEIGHT = 220
TAG = "agnes-tokens"
_TOKENS = Path(console.__file__).parent / "pages" / "static" / "tokens.css"
_SMALL = "11px"
_SANS = "system-ui, sans-serif"


@cache
def tokens() -> Mapping[str, str]:
    """The light theme's colours by name: `accent` -> `#0f766e`."""
    light = _TOKENS.read_text(encoding="utf-8").partition("[data-theme")[0]
    return dict(re.findall(r"--([a-z-]+):\s*(#[0-9a-fA-F]{3,8})\b", light))


def options(buckets: Sequence[Mapping[str, Any]], seconds: int, **more: Any) -> dict[str, Any]:
    """What every chart over time has: all of its buckets from edge to edge, no toolbar, a drag
    along the axis zooms, times in UTC."""
    first, last = moment(buckets[0]["ts"]), moment(buckets[-1]["ts"])
    return {
        "xlim": (first, last + timedelta(seconds=seconds)),
        "responsive": True,
        "height": HEIGHT,
        "default_tools": [],
        "tools": ["xbox_zoom"],
        "active_tools": ["xbox_zoom"],
        "toolbar": None,
        "xlabel": "",
        "ylabel": "",
        "legend_position": "top",
        "legend_cols": 8,
        "show_grid": True,
        "backend_opts": {"legend.background_fill_alpha": 0, "legend.border_line_alpha": 0},
        "hooks": [_dress],
        **more,
    }


def _dress(plot: Any, element: object) -> None:
    figure, colour = plot.state, tokens()
    figure.tags = [{TAG: dict(colour)}]
    figure.background_fill_alpha = figure.border_fill_alpha = 0
    figure.outline_line_color = None
    figure.min_border_right = 8
    for axis in figure.axis:
        axis.axis_line_color = axis.major_tick_line_color = colour["line"]
        axis.minor_tick_line_color = None
        axis.major_label_text_color = colour["muted"]
        axis.major_label_text_font_size = _SMALL
        axis.major_label_text_font = _SANS
    for grid in figure.grid:
        grid.grid_line_color = colour["line"] if grid.dimension == 1 else None
    for legend in figure.legend:
        legend.label_text_color, legend.label_text_font_size = colour["ink"], _SMALL
        legend.label_text_font = _SANS
        legend.padding = legend.margin = 0
        legend.location = "left"


def moment(value: datetime | str) -> datetime:
    """A time of an answer, over HTTP or from the server itself, as naive UTC."""
    if isinstance(value, datetime):
        return value
    return datetime.fromisoformat(value.removesuffix("Z"))


def span(milliseconds: float | None) -> str:
    """A duration in words for a hover: 120 ms, 1.4 s, 3.0 min."""
    if milliseconds is None:
        return "–"
    if milliseconds < 1000:
        return f"{milliseconds:.0f} ms"
    seconds = milliseconds / 1000
    return f"{seconds:.1f} s" if seconds < 120 else f"{seconds / 60:.1f} min"


def at(value: datetime, seconds: int) -> str:
    """When a bucket begins, as exactly as its length asks for."""
    return value.strftime("%d %b %Y" if seconds >= 86_400 else "%d %b %H:%M:%S")
