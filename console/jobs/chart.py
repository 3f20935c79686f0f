"""A picture of a HoloViews chart that needs no script: a kept notebook is shown where none may run.

Used by the notebooks of jobs, in their kernels; the server never loads it. It draws with matplotlib
itself: HoloViews' own way there loads a web server, and costs a kernel 1.2 s and 55 MB more.
"""

from __future__ import annotations

from importlib import import_module
from io import StringIO
from typing import Any

_FEW, _MANY = 6, 40  # names that fit side by side, and turned
# Text stays text, for those who search it or have it read to them; a `$` in it is no formula.
_STYLE: dict[Any, Any] = {"svg.fonttype": "none", "text.parse_math": False}


def drawn(chart: Any) -> Any:
    """`holoviews.Bars` or `holoviews.Scatter` as an SVG for IPython."""
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
        if type(chart).__name__ == "Bars":
            _bars(axes, [str(name) for name in across], up)
        else:
            axes.scatter(across, up)
        axes.set(xlabel=chart.dimensions()[0].label, ylabel=chart.dimensions()[1].label)
        axes.set_ylim(bottom=0)
        figure.savefig(picture, format="svg")
    return picture.getvalue()


def _bars(axes: Any, names: list[str], values: Any) -> None:
    places = range(len(names))
    axes.bar(places, values)
    step = len(names) // _MANY + 1
    turned = {"rotation": 45, "ha": "right"} if len(names) > _FEW else {}
    axes.set_xticks(places[::step], names[::step], **turned)
