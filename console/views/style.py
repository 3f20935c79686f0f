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

import holoviews as hv
from bokeh.models import BoxSelectTool, BoxZoomTool, HoverTool, TapTool
from holoviews.plotting.renderer import Renderer

import console

HEIGHT = 220
TAG = "agnes-tokens"
_TOKENS = Path(console.__file__).parent / "pages" / "static" / "tokens.css"
_SMALL = "11px"
_SANS = "system-ui, sans-serif"
# A page's own colours where there are such, also in the dark; the values come escaped.
HOVER = """<div style="margin: -6px; padding: 5px 8px; font-size: 12px; color: var(--ink, #1b1d20);
background: var(--surface, #fff); border: 1px solid var(--line, #e2e2dc)">{lines}</div>"""


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
        "tools": ["xbox_zoom"],
        "active_tools": ["xbox_zoom"],
        "toolbar": None,
        "xlabel": "",
        "ylabel": "",
        "legend_position": "top",
        "legend_cols": 8,
        "show_grid": True,
        "backend_opts": {"legend.background_fill_alpha": 0, "legend.border_line_alpha": 0},
        "hooks": [dress],
        **more,
    }


_TOOLS = (HoverTool, BoxZoomTool, TapTool, BoxSelectTool)


def dress(plot: Any, element: object) -> None:
    """The console's own look for a figure of HoloViews: a hook of its options."""
    figure, colour = plot.state, tokens()
    # Each layer brings tools of its own; a wheel over a chart is to scroll the page.
    figure.tools = [tool for tool in figure.tools if isinstance(tool, _TOOLS)]
    for tool in figure.select(HoverTool):
        tool.show_arrow = False
    figure.tags = [{TAG: dict(colour)}]
    figure.background_fill_alpha = figure.border_fill_alpha = 0
    if Renderer.notebook_context:  # which keeps these colours also where it is dark
        figure.background_fill_color = figure.border_fill_color = colour["surface"]
        figure.background_fill_alpha = figure.border_fill_alpha = 1
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
        legend.glyph_width = legend.glyph_height = 14
        legend.label_standoff, legend.spacing = 4, 10
        legend.location = "left"


def pointed(
    buckets: Sequence[Mapping[str, Any]],
    seconds: int,
    says: Sequence[tuple[str, Sequence[str]]],
    *,
    low: float,
    high: float,
) -> Any:
    """What a pointer meets: a column for each bucket as high as the chart, so that nobody needs to
    hit a point. `says` are names with a text for each bucket."""
    boxes = []
    for number, bucket in enumerate(buckets):
        start = moment(bucket["ts"])
        texts = (texts[number] for _, texts in says)
        boxes.append((start, low, start + timedelta(seconds=seconds), high, *texts))
    columns = [f"say_{number}" for number, _ in enumerate(says)]
    lines = (
        f'<div><span style="color: var(--muted, #666d75)">{name}</span> @{column}</div>'
        for (name, _), column in zip(says, columns, strict=True)
    )
    return hv.Rectangles(boxes, ["x0", "y0", "x1", "y1"], columns).opts(
        alpha=0,
        line_alpha=0,
        color=tokens()["ink"],
        hover_fill_color=tokens()["ink"],
        hover_fill_alpha=0.06,
        hover_line_alpha=0,
        tools=["hover"],
        hover_tooltips=HOVER.format(lines="".join(lines)),
        show_legend=False,
    )


def moment(value: datetime | str) -> datetime:
    """A time of an answer, over HTTP or from the server itself, as naive UTC."""
    if isinstance(value, datetime):
        return value
    return datetime.fromisoformat(value.removesuffix("Z"))


def at(value: datetime, seconds: int) -> str:
    """When a bucket begins, as exactly as its length asks for."""
    return value.strftime("%d %b %Y" if seconds >= 86_400 else "%d %b %H:%M:%S")
