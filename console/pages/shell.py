"""The frame around every page: menu, health, viewer."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

from console import pulse
from console.audit import Caller
from console.identity.rights import ACTIVITY, may
from console.instance import Instance
from console.notifications import bell
from console.pages.entry import SECTIONS, Arrival, Page
from console.pages.render import render
from schema.errors import AgnesError
from schema.policy import Principal

# In this order: what others use comes first.
_FIRST = ("core", "toast", "patch", "keys")
SCRIPTS = tuple(
    f"shell/{name}.js"
    for name in (*_FIRST, "menu", "bell", "copy", "range", "ranges", "palette", "connection")
)


def menu(pages: Iterable[Page], viewer: Principal) -> list[tuple[str, list[Page]]]:
    """The five sections with the pages that exist and that the viewer may open; empty ones are left
    out."""
    mine = [page for page in pages if page.section and may(viewer, page.right)]
    sections = [(name, [page for page in mine if page.section == name]) for name in SECTIONS]
    return [(name, found) for name, found in sections if found]


def health(instance: Instance, viewer: Principal) -> Mapping[str, Any] | None:
    """The pulse for those who may see it; blocks when it is older than 30 s."""
    return pulse.cached(instance) if may(viewer, ACTIVITY) else None


def health_dot(instance: Instance, viewer: Principal, here: Page) -> str:
    """The dot of every page as HTML, empty for those who may not see it; blocks like `health`."""
    return render("shell/health.html", health=health(instance, viewer), here=here)


def frame(here: Page, caller: Caller) -> dict[str, Any]:
    """What the base template needs."""
    from console.pages import PAGES  # the pages are made of this module

    return {
        "here": here,
        "menu": menu(PAGES, caller.me),
        "viewer": caller.me,
        "shell_scripts": SCRIPTS,
    }


async def arrival(
    here: Page,
    instance: Instance,
    caller: Caller,
    regions: Mapping[str, str],
    error: AgnesError | None,
) -> Arrival:
    """The first paint: the regions of a page in its frame."""
    store, me = instance.store, caller.me
    dot, counted = await asyncio.gather(
        store.offload(health, instance, me), store.offload(bell.counted, store, me)
    )
    variables = {**frame(here, caller), "regions": regions, "health": dot, "unread": counted[1]}
    return Arrival(caller, variables, error.status if error else 200)
