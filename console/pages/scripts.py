"""The scripts of Bokeh and Panel that a page loads, found once.

Panel looks for them anew for every page: a third of what the first paint costs on the server, for
one answer. It offers no setting for it, so its function is given ours while it makes a page.
"""

from __future__ import annotations

from typing import Any

import panel.io.server
from bokeh.core.has_props import HasProps
from panel.io import state

server: Any = panel.io.server
_find, _page = server.bundle_resources, server.server_html_page_for_session
_found: dict[tuple[Any, ...], tuple[str, ...]] = {}


def keep() -> None:
    """From now on. Pages are made in the event loop only, one after the other."""
    server.server_html_page_for_session = _made


def _made(*args: Any, **options: Any) -> str:
    server.bundle_resources = _known
    try:
        html: str = _page(*args, **options)
        return html
    finally:
        server.bundle_resources = _find


def _known(roots: Any, resources: Any) -> tuple[str, ...]:
    """HTML of the scripts and of the styles. What is asked for depends on where the page stands,
    and on the models there are: the plots' come after the start."""
    models = len(HasProps.model_class_reverse_map)
    key = (state.rel_path, resources.mode, resources.root_url, models)
    if key not in _found:
        _found[key] = tuple(_find(roots, resources))
    return _found[key]
