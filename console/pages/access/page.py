"""What the four pages of users & access share: who may open them, how their parts stand, and the
row that says they were read."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import replace
from typing import Any, Generic, TypeVar

from console.audit import Caller, now
from console.identity.rights import ADMIN
from console.instance import Instance
from console.pages.access.reading import Reading
from console.pages.access.state import AccessState
from console.pages.parts import PartsPage

READ = "access.read"
S = TypeVar("S", bound=AccessState)


class Page(PartsPage[Reading[S]], Generic[S]):
    """Reads what the API of the same noun reads."""

    section: str | None = "Users & Access"
    right = ADMIN
    template = "access.html"
    folder = "access"
    state: type[S]
    terminal = ""  # the same in a terminal
    styles: Sequence[str] = ("activity/panel.css", "access/access.css")
    scripts: Sequence[str] = (
        "parts/rows.js",
        "access/acts.js",
        "access/lists.js",
        "access/matrix.js",
    )

    def begun(self, instance: Instance, caller: Caller, *, beat: bool) -> Reading[S]:
        return Reading(instance, caller, self.state(), now(), beat=beat)

    def stated(self, reading: Reading[S], query: str) -> Reading[S]:
        return replace(reading, state=self.state.of(query))

    def noted(self, reading: Reading[S]) -> Sequence[Awaitable[Any]]:
        shown = {name: str(text) for name, text in reading.state.asks.items()}
        params = {"endpoint": self.path.rpartition("/")[2], **shown}
        return (reading.instance.was_read(reading.caller, READ, params),)
