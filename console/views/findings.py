"""What went wrong, by kind and week, as drawn from the answer of `/api/admin/sessions/findings`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import holoviews as hv
from bokeh.models import BoxSelectTool, HoverTool, NoOverlap, Rect, TapTool

from console.views.style import HOVER, dress, tokens

_ROW = 28  # pixels
_PALE, _DEEP = 0.1, 0.55  # how deep the colour is: text must be read on it in both themes
_LABELS = 12  # on the axis of weeks, at most
_BOTH_UP_TO, _TEXT_UP_TO = 9, 30  # weeks; more leave no room for the text in a cell
_LINES = (
    ("week of", "@monday"),
    ("", "@kind"),
    ("findings", "@findings{0,0}"),
    ("sessions", "@sessions{0,0}"),
)


def _choose(plot: Any, element: object) -> None:
    """What is tapped or dragged over are cells, never their texts; empty ones are seen, too."""
    figure = plot.state
    figure.background_fill_color, figure.background_fill_alpha = tokens()["sunken"], 1
    cells = [drawn for drawn in figure.renderers if isinstance(drawn.glyph, Rect)]
    for tool in figure.select({"type": TapTool}):
        tool.renderers, tool.mode = cells, "replace"  # what is chosen may be tapped again
    for tool in figure.select({"type": BoxSelectTool}):
        tool.renderers, tool.persistent = cells, False
    figure.xaxis[0].major_label_policy = NoOverlap()
    for grid in figure.grid:
        grid.grid_line_color = None


_EMPTY: Mapping[str, int] = {"findings": 0, "sessions": 0}
_LOOK = {
    "responsive": True,
    "height": 5 * _ROW + 40,
    "toolbar": None,
    "default_tools": [],
    "active_tools": ["tap", "box_select"],
    "xlabel": "",
    "ylabel": "",
    "show_grid": False,
    "show_legend": False,
    "hooks": [dress, _choose],
}


def draw(answer: Mapping[str, Any]) -> Any:
    """A cell for each week and kind, the deeper the more findings; `3 in 2` are three findings in
    two sessions. Tapped cells, and those in a dragged box, are the selection of its data source,
    whose columns `monday` and `finding_type` are the words of the filter. `answer["chosen"]` are
    such words (`week`, `has_finding`): the cells with all of them are drawn as chosen."""
    weeks, kinds = list(answer["weeks"]), list(answer["finding_types"])
    cells = {(weeks.index(c["week"]), c["finding_type"]): c for c in answer["cells"]}
    rows = [kind.replace("_", " ") for kind in reversed(kinds)]
    names = dict(zip(rows, reversed(kinds), strict=True))
    grid = [
        (place, row, cells.get((place, names[row]), _EMPTY)["findings"])
        for place in range(len(weeks))
        for row in rows
    ]
    texts = [
        (place, row, _text(cells[place, names[row]], len(weeks)))
        for place, row, findings in grid
        if findings and len(weeks) <= _TEXT_UP_TO
    ]

    def fill(plot: Any, element: object) -> None:
        _fill(plot, weeks, names, cells)
        _mark(plot.handles["cds"], answer.get("chosen") or {})

    heatmap = hv.HeatMap(grid, ["week", "kind"], "count").opts(
        tools=["hover", "tap", "box_select"],
        line_color=tokens()["surface"],
        line_width=2,
        default_tools=[],
        colorbar=False,
        optimize_gridded=False,
        hooks=[fill],
    )
    labels = hv.Labels(texts, ["week", "kind"], "text").opts(
        text_color=tokens()["ink"], text_font_size="11px", default_tools=[]
    )
    shape = {"xlim": (-0.5, len(weeks) - 0.5), "xticks": _ticks(weeks)}
    return hv.Overlay([heatmap, labels]).opts(hv.opts.Overlay(**_LOOK, **shape))


def _text(cell: Mapping[str, Any], weeks: int) -> str:
    if weeks > _BOTH_UP_TO:
        return f"{cell['findings']:,}"
    return f"{cell['findings']:,} in {cell['sessions']:,}"


def _ticks(weeks: list[str]) -> list[tuple[int, str]]:
    step = -(-len(weeks) // _LABELS) or 1
    pattern = "%d %b" if weeks[:1] and weeks[0][:4] == weeks[-1][:4] else "%d %b %y"
    return [
        (place, f"{date.fromisoformat(weeks[place]):{pattern}}")
        for place in range(0, len(weeks), step)
    ] or [(0, "")]


def _fill(
    plot: Any, weeks: list[str], names: Mapping[str, str], cells: Mapping[tuple[int, str], Any]
) -> None:
    """One colour of the tokens, so that a page can change it, in as many depths as there are
    counts; what the pointer and a selection say of each cell."""
    source, drawn = plot.handles["cds"], plot.handles["glyph_renderer"]
    places = list(zip(source.data["week"], source.data["kind"], strict=True))
    keys = [(int(place), names[kind]) for place, kind in places]
    counts = [cells.get(key, _EMPTY) for key in keys]
    most = max([1, *(count["findings"] for count in counts)])
    source.data = {
        **source.data,
        "monday": [weeks[place] for place, _ in keys],
        "finding_type": [kind for _, kind in keys],
        "findings": [count["findings"] for count in counts],
        "sessions": [count["sessions"] for count in counts],
        "depth": [_depth(count["findings"], most) for count in counts],
    }
    drawn.glyph.fill_color = tokens()["err"]
    drawn.glyph.fill_alpha = {"field": "depth"}
    drawn.selection_glyph = drawn.glyph.clone(line_color=tokens()["ink"])
    drawn.nonselection_glyph = drawn.hover_glyph = drawn.muted_glyph = None
    lines = (
        f'<div><span style="color: var(--muted, #666d75)">{name}</span> {value}</div>'
        for name, value in _LINES
    )
    for tool in plot.state.select(HoverTool):
        tool.tooltips = HOVER.format(lines="".join(lines))


def _mark(source: Any, chosen: Mapping[str, str]) -> None:
    columns = {"week": "monday", "has_finding": "finding_type"}
    wanted = [(columns[name], text) for name, text in chosen.items()]
    places = range(len(source.data["monday"])) if wanted else ()
    source.selected.indices = [
        place for place in places if all(source.data[name][place] == text for name, text in wanted)
    ]


def _depth(findings: int, most: int) -> float:
    """Half of the way is gone by a quarter of the most: a few findings are seen beside many."""
    return 0.0 if not findings else _PALE + (_DEEP - _PALE) * (findings / most) ** 0.5
