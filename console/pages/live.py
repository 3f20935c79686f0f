"""The live half of every page: a small Panel component that puts server-rendered HTML in its place.

A page is first a document like any other: links, forms, a table. Its regions are marked with
`data-region`. Once the websocket is up this component sends each followed link, submitted form and
Back of the browser to the page's Python state, and patches the regions that come back. So there is
one renderer, nothing jumps when the page becomes live, and without a websocket every control still
works as a plain request.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import panel as pn
import param
from panel.theme.base import Design

pn.extension()


class Plain(Design):
    """No look of Panel's: the page has its own. Panel's would cost each page two models and two
    requests for styles."""

    def params(self, viewable: Any, doc: Any = None) -> tuple[dict[str, Any], dict[str, Any]]:
        return {}, {}


class Live(pn.custom.JSComponent):
    """`regions`: region -> HTML, as last rendered; `address`: path and query of what is shown."""

    regions = param.Dict(default={}, doc="HTML by region; patched into [data-region=…].")
    address = param.String(doc="The page's URL without its host.")
    push = param.Boolean(
        default=True, doc="Whether the address is a new step in the browser's history."
    )

    _esm = Path(__file__).parent / "static" / "live.js"

    def __init__(self, *, go: Callable[[str, bool, bool, int], None], **params: Any) -> None:
        super().__init__(design=Plain, **params)
        self._go = go

    def patch(self, regions: dict[str, str], *, step: int, **address: Any) -> None:
        """Put these regions in their place, as the answer to the browser's step of that number:
        equal regions are an answer, too, and one that is late is none to a later step."""
        self.param.update(regions={**regions, "step": str(step)}, **address)

    def _handle_msg(self, data: Any) -> None:
        """`{go: "?query", push: bool, beat: bool, step: number}` from the browser: show that."""
        if isinstance(data, dict) and isinstance(data.get("go"), str):
            push, beat = bool(data.get("push", True)), bool(data.get("beat", False))
            step = data.get("step")
            self._go(data["go"][:8192], push, beat, step if isinstance(step, int) else 0)
