"""The marketplaces: what the page's parts are, and what its address asks of them."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import replace
from typing import Any

from console.audit import Caller, now
from console.identity.rights import ADMIN
from console.instance import Instance
from console.marketplace_use import use
from console.pages.marketplace import reading as of
from console.pages.marketplace.reading import Reading
from console.pages.marketplace.state import MarketState
from console.pages.parts import Part, PartsPage
from console.telemetry import Reader

READ = "access.read"
PARTS: tuple[Part[Reading], ...] = (
    Part("cards", of.cards),
    Part("tabs", lambda reading: True, alone=True),
    Part("popular", of.popular),
    Part("plugins", of.plugins),
    Part("unused", of.unused),
    Part("offering", of.offering),
)


class MarketplacePage(PartsPage[Reading]):
    """`/admin/marketplace`. Reads what `/api/admin/marketplace/use` reads."""

    path = "/admin/marketplace"
    title = "Marketplace"
    about = "what is offered, and who uses it"
    section: str | None = "Agent Experience"
    shortcut = "g l"
    right = ADMIN
    template = "marketplace.html"
    folder = "marketplace"
    parts = PARTS
    styles: Sequence[str] = ("parts/cards.css", "marketplace/marketplace.css")
    scripts: Sequence[str] = ("parts/rows.js", "parts/forms.js", "marketplace/marketplace.js")

    def begun(self, instance: Instance, caller: Caller, *, beat: bool) -> Reading:
        return Reading(instance, caller, MarketState(), now(), beat=beat)

    def stated(self, reading: Reading, query: str) -> Reading:
        return replace(reading, state=MarketState.of(query))

    async def filtered(self, reading: Reading) -> Reading:
        """Raises BadParameter for a type or a source that there is not."""

        def read() -> Reading:
            found = use(Reader(reading.instance, reading.caller.me), now=reading.at)
            found.chosen(**reading.state.given)
            return replace(reading, use=found)

        return await reading.instance.store.offload(read)

    def noted(self, reading: Reading) -> Sequence[Awaitable[Any]]:
        given = {"endpoint": "marketplace", **reading.state.asks}
        return (reading.instance.was_read(reading.caller, READ, given),)
