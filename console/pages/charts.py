"""The chart beside a page's regions: a second root of the visit's document.

It comes with the first tab that has one, after its regions: plotting costs half a second and 30 MB
once, and no page waits for it. HoloViews draws in the store's pool, off the event loop; what the
document gets is a finished figure, so that nothing of the drawing outlives it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import panel as pn

from console.instance import Instance
from console.pages.live import Plain

_ONE = threading.Lock()  # HoloViews keeps options in one place for all threads


class Drawn(dict[str, str]):
    """Regions with what is to be drawn beside them: the name of a view and its answer, or None
    where no chart belongs to them. Plain regions leave a chart as it is."""

    chart: tuple[str, Mapping[str, Any]] | None = None


def figure(name: str, answer: Mapping[str, Any]) -> Any:
    """The view as a Bokeh figure. Blocks."""
    with _ONE:
        import holoviews as hv

        from console.views import VIEWS

        plot = hv.renderer("bokeh").get_plot(VIEWS[name].draw(answer))
        made = plot.state
        made.name = answer.get("mark")  # a chart of other figures is hidden until this one comes
        plot.cleanup()  # else its options and data stay for ever
        return made


class Chart:
    """The chart of one visit. `show` is called on the event loop, `doc` is the visit's document."""

    def __init__(self, instance: Instance, doc: Any) -> None:
        self._instance, self._doc = instance, doc
        self._pane: Any = None
        self._mark: str | None = None

    async def show(self, regions: Mapping[str, str], wanted: Callable[[], bool]) -> None:
        """Draw what belongs to `regions`, unless the reader has gone on meanwhile, or it stands
        there already."""
        if not isinstance(regions, Drawn):
            return
        if not self._is_seen():
            return
        if regions.chart is None:
            if self._pane is not None and self._pane.object is not None:
                self._doc.add_next_tick_callback(partial(self._put, None, wanted))
            return
        if regions.chart[1].get("mark") == self._mark is not None:
            return
        made = await self._instance.store.offload(figure, *regions.chart)
        # A root is added while the document's lock is held, which is so in the next tick.
        self._doc.add_next_tick_callback(partial(self._put, made, wanted))

    def _is_seen(self) -> bool:
        """Whether the reader is still there: a drawing may outlast a visit."""
        context = self._doc.session_context
        return bool(context and context.session and context.session.connection_count)

    def _put(self, made: Any, wanted: Callable[[], bool]) -> None:
        if not (wanted() and self._is_seen()):
            return
        self._mark = made and made.name
        if self._pane is not None:
            self._pane.object = made
            return
        self._pane = pn.pane.Bokeh(made, sizing_mode="stretch_width")
        frame = pn.Row(
            self._pane, css_classes=["agnes-chart"], sizing_mode="stretch_width", design=Plain
        )
        frame.server_doc(self._doc, location=False)
