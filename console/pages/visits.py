"""One visit to a page of regions: the document behind it, and the steps of its reader.

A page only says what its regions hold. Here is decided what every step asks again (who is it, may
they still), which answer is still wanted, and what remains to be seen of a page after a refusal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlencode

import panel as pn
import structlog

from console.audit import Caller
from console.handler import as_agnes_error
from console.identity.rights import require
from console.instance import Instance
from console.pages import shell
from console.pages.charts import Chart, Drawn
from console.pages.entry import Arrival, Page
from console.pages.live import Live
from console.pages.render import ENVIRONMENT, render
from schema.errors import BadParameter

log = structlog.get_logger(__name__)


class Regions(Page, Protocol):
    """A page made of regions; the one named `notice` is first and shows errors."""

    template: str
    regions: Sequence[str]

    async def show(
        self, instance: Instance, caller: Caller, query: str, *, beat: bool
    ) -> Mapping[str, str]:
        """HTML by region for what the URL's query asks. `beat`: the page asks again by itself, so
        nobody has read anything anew, and a notice may stay."""


def document(instance: Instance) -> Callable[[], Live]:
    """A factory for Panel: one `Live` component for each visit."""

    def visit() -> Live:
        doc: Any = pn.state.curdoc
        request = doc.session_context.request
        here: Regions = request.page  # of a page about many things, that of this one
        doc.title = f"{here.title} · Agnes"
        arrival: Arrival | None = getattr(request, "arrival", None)
        if arrival is not None:  # none when a websocket comes back after the server was restarted
            doc.template = ENVIRONMENT.get_template(here.template)
            doc.template_variables.update({**arrival.variables, "xsrf": request.xsrf})
        return _live(here, instance, request.caller, arrival)

    return visit


def _live(page: Regions, instance: Instance, came: Caller, arrival: Arrival | None) -> Live:
    last = turns = 0  # a beat is a step, but no turn of the reader's: the chart stays
    chart = Chart(instance, pn.state.curdoc)
    if arrival is not None and isinstance(first := arrival.variables.get("regions"), Drawn):
        pn.state.onload(partial(chart.show, first, lambda: turns == 0))

    async def go(query: str, *, push: bool, beat: bool, step: int) -> None:
        nonlocal last, turns
        last, turns = step, turns + (not beat)
        turn = turns
        try:
            principal = await instance.gate.still(came)
            require(principal, page.right)
            kind, ip = came.client_kind, came.client_ip
            caller = Caller(principal, kind, ip, credential=came.credential)
            if (opened := getattr(page, "opened", None)) and not beat:
                query = await opened(instance, caller, query)  # a saved view by its name
            regions = await page.show(instance, caller, query, beat=beat)
            dot = await instance.store.offload(shell.health_dot, instance, principal, page)
        except Exception as failed:
            error = as_agnes_error(500, (type(failed), failed, failed.__traceback__))
            if error is not failed:
                instance.posthog.swallowed(failed)
                log.exception("page.failed", path=page.path)  # the reader waits for an answer, too
            # Who may no longer read the page does not keep what they have read of it so far.
            kept = {} if error.status >= 500 else dict.fromkeys((*page.regions, "health"), "")
            notice = render("notice.html", error=error, back=_address(page, query))
            live.patch({**kept, "notice": notice}, step=step)
            await chart.show(Drawn(), lambda: turn == turns)
            return
        if step == last:  # else the reader has gone on already
            shown = {**regions, "health": dot}
            live.patch(shown, step=step, address=_address(page, query), push=push)
            await chart.show(regions, lambda: turn == turns)

    def start(query: str, push: bool, beat: bool, step: int) -> None:  # noqa: FBT001 (as it was sent)
        pn.state.execute(partial(go, query.removeprefix("?"), push=push, beat=beat, step=step))

    live = Live(go=start)
    return live


def _address(page: Page, query: str) -> str:
    return f"{page.path}?{query}" if query else page.path


def asked(query: str, allowed: Sequence[str]) -> dict[str, str]:
    """What a URL's query gives. Raises BadParameter for unknown and repeated names."""
    found: dict[str, str] = {}
    for name, text in parse_qsl(query, keep_blank_values=True):
        if name not in allowed:
            raise BadParameter.unknown(name, allowed)
        if name in found:
            raise BadParameter(name, "2 values", "give it once")
        if "\0" in text:
            raise BadParameter(name, text, "a text without NUL")
        if text:
            found[name] = text
    return found


def url(given: Mapping[str, str | None]) -> str:
    """The query that asks for it, without what is empty."""
    return "?" + urlencode({name: text for name, text in sorted(given.items()) if text})
