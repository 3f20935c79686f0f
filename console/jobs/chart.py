"""A picture of a HoloViews chart that needs no script: a kept notebook is shown where none may run.

Used by the notebooks of jobs, in their kernels; the server never loads it. It draws with matplotlib
itself: HoloViews' own way there loads a web server, and costs a kernel 1.2 s and 55 MB more.
"""

from __future__ import annotations

from importlib import import_module
from io import StringIO
from typing import Any

_PLAIN, _WRONG = "#0f766e", "#b91c1c"  # as on every page, the latter for what goes wrong
_PALE, _DEEP = 0.1, 0.55  # how deep it is: text is read on it
_FEW, _MANY = 6, 40  # names that fit side by side, and turned
_NAME = 28  # characters of one
_LONG = 60  # characters of all names that fit side by side
# Text stays text, for those who search it or have it read to them; a `$` in it is no formula.
_STYLE: dict[Any, Any] = {"svg.fonttype": "none", "text.parse_math": False}


def drawn(chart: Any) -> Any:
    """`holoviews.Bars`, `Scatter` or `HeatMap` as an SVG for IPython."""
    display: Any = import_module("IPython.display")  # says nothing of its types
    return display.SVG(svg(chart))


def svg(chart: Any) -> str:
    """The picture itself."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    picture = StringIO()
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(8, 3.2), layout="constrained")
        axes = figure.subplots()
        across, up = (chart.dimension_values(place) for place in (0, 1))
        axes.set(xlabel=chart.dimensions()[0].label, ylabel=chart.dimensions()[1].label)
        match type(chart).__name__:
            case "HeatMap":
                _cells(axes, [*map(str, across)], [*map(str, up)], chart.dimension_values(2))
            case "Bars":
                _bars(axes, [*map(str, across)], up)
                axes.set_ylim(bottom=0)
            case _:
                axes.scatter(across, up, color=_PLAIN)
                axes.set_ylim(bottom=0)
        figure.savefig(picture, format="svg")
    return picture.getvalue()


def _bars(axes: Any, names: list[str], values: Any) -> None:
    axes.bar(range(len(names)), values, color=_PLAIN)
    _name(axes, names)


def _cells(axes: Any, across: list[str], up: list[str], values: Any) -> None:
    """The deeper the more, with the number in each that is not empty; as the page of sessions draws
    them, the first row on top."""
    columns, rows = ([*dict.fromkeys(names)] for names in (across, up))
    most = max([1.0, *map(float, values)])
    for name, row, value in zip(across, up, values, strict=True):
        place = columns.index(name), rows.index(row)
        if value:
            depth = _PALE + (_DEEP - _PALE) * (float(value) / most) ** 0.5
            corner = (place[0] - 0.48, place[1] - 0.48)
            axes.add_patch(_box(corner, depth))
            axes.text(*place, f"{float(value):,.0f}", ha="center", va="center")
    axes.set(xlim=(-0.5, len(columns) - 0.5), ylim=(len(rows) - 0.5, -0.5))
    axes.set_yticks(range(len(rows)), _short(rows))
    _name(axes, columns)


def _box(corner: tuple[float, float], depth: float) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle(corner, 0.96, 0.96, facecolor=_WRONG, alpha=depth, linewidth=0)


def _name(axes: Any, names: list[str]) -> None:
    """Names below, as many of them, and as much of each, as there is room for."""
    places = range(len(names))
    names = _short(names)
    step = len(names) // _MANY + 1
    turns = len(names) > _FEW or sum(map(len, names)) > _LONG
    turned = {"rotation": 45, "ha": "right"} if turns else {}
    axes.set_xticks(places[::step], names[::step], **turned)


def _short(names: list[str]) -> list[str]:
    return [name if len(name) <= _NAME else name[: _NAME - 1] + "…" for name in names]
