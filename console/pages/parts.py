"""Pages in parts: what they read they read at the same time, and each part is a region.

A part is a region: a function that reads (it blocks; it runs in the store's pool) and a template
of its name, which sees what all parts have read. A page says what its address asks for; how that
becomes a first paint, a step of the reader and a beat is the same for all.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, Protocol, TypeVar

from console.audit import Caller
from console.identity.rights import Right
from console.instance import Instance
from console.pages import shell, visits
from console.pages.charts import Drawn
from console.pages.entry import Arrival
from console.pages.render import render
from schema.errors import AgnesError


class Read(Protocol):
    """One reading of a page: what its parts are given. `beat`: the page asks again by itself."""

    @property
    def state(self) -> Any: ...
    @property
    def beat(self) -> bool: ...


R = TypeVar("R", bound=Read)


@dataclass(frozen=True)
class Part(Generic[R]):
    """`beats`: drawn anew when the page asks again by itself; `later`: not part of the first paint,
    but of the first beat, because it costs more than the reader's first look is worth. `alone`: it
    shows something also when the address could not be read."""

    name: str
    read: Callable[[R], Any]
    beats: bool = False
    later: bool = False
    alone: bool = False
    template: str = ""  # where several pages share it

    def file(self, folder: str) -> str:
        return self.template or f"{folder}/{self.name}.html"


class PartsPage(ABC, Generic[R]):
    """`folder`: of its templates, one for each part. `ranged`: it has the time range. `charted`:
    the part whose answer the chart is drawn from, where that beats. `counts`: what its facets
    count, one of it."""

    path: str
    title: str
    about: str
    section: str | None = None
    shortcut: str = ""
    right: Right
    template: str
    folder: str
    parts: Sequence[Part[R]]
    styles: Sequence[str] = ()
    scripts: Sequence[str] = ()
    ranged = False
    charted = ""
    counts = ""

    @property
    def regions(self) -> Sequence[str]:
        return ("notice", *(part.name for part in self.parts))

    def at(self, path: str) -> PartsPage[R]:
        return self

    # -- what a page says of itself

    @abstractmethod
    def begun(self, instance: Instance, caller: Caller, *, beat: bool) -> R:
        """A reading that asks for nothing yet."""

    @abstractmethod
    def stated(self, reading: R, query: str) -> R:
        """With the state that the address holds. Raises BadParameter."""

    async def filtered(self, reading: R) -> R:
        """With what the state means. Raises errors of schema/errors.py."""
        return reading

    def unfiltered(self, reading: R) -> R:
        """What the parts that stand alone are given when the address could not be read."""
        return reading

    def noted(self, reading: R) -> Sequence[Awaitable[Any]]:
        """The rows that say what was read; not asked for a beat."""
        return ()

    def chart(self, reading: R, found: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]] | None:
        """The view that stands beside the regions, by its name, and the answer it is drawn from."""
        return None

    async def opened(self, instance: Instance, caller: Caller, query: str) -> str:
        """The query that this one stands for: a saved view has a short address, too."""
        return query

    # -- how it comes to its reader

    async def arrive(self, instance: Instance, caller: Caller, query: str) -> Arrival:
        """The first paint: regions as HTML, read off the event loop."""
        meant = await self.opened(instance, caller, query)
        if meant != query:
            return Arrival(caller, {}, to=f"{self.path}?{meant}" if meant else self.path)
        reads = [part for part in self.parts if not part.later]
        error, regions = await self._show(instance, caller, query, reads, self.parts)
        return await shell.arrival(self, instance, caller, regions, error)

    def document(self, instance: Instance) -> Any:
        """A factory for Panel: one `Live` component for each visit."""
        return visits.document(instance)

    async def show(
        self, instance: Instance, caller: Caller, query: str, *, beat: bool
    ) -> Mapping[str, str]:
        parts = [part for part in self.parts if part.beats or not beat]
        return (await self._show(instance, caller, query, parts, parts, beat=beat))[1]

    async def _show(
        self,
        instance: Instance,
        caller: Caller,
        query: str,
        reads: Sequence[Part[R]],
        draws: Sequence[Part[R]],
        *,
        beat: bool = False,
    ) -> tuple[AgnesError | None, dict[str, str]]:
        """The regions of `draws`; those of `reads` with what they hold."""
        reading = self.begun(instance, caller, beat=beat)
        error = None
        try:
            reading = self.stated(reading, query)
            reading = await self.filtered(reading)
            found = await self._read(instance, reading, reads)
        except AgnesError as refused:
            error, draws = refused, [part for part in draws if part.alone]
            found = await self._read(instance, self.unfiltered(reading), draws)
        draw = partial(self._draw, reading, draws, found, error)
        regions = await instance.store.offload(draw)
        if beat and self.charted not in found:
            return error, regions
        drawn = Drawn(regions)
        drawn.chart = self.chart(reading, found) if error is None else None
        return error, drawn

    async def _read(
        self, instance: Instance, reading: R, parts: Sequence[Part[R]]
    ) -> dict[str, Any]:
        """What each part has read, by its name, at the same time; and the rows that say so."""
        writing = () if reading.beat else self.noted(reading)
        reads = [instance.store.offload(part.read, reading) for part in parts]
        found = await asyncio.gather(*reads, *writing)
        return dict(zip((part.name for part in parts), found, strict=False))

    def _draw(
        self,
        reading: R,
        parts: Sequence[Part[R]],
        found: Mapping[str, Any],
        error: AgnesError | None,
    ) -> dict[str, str]:
        common: dict[str, Any] = {part.name: None for part in self.parts}
        common |= {"page": self, "reading": reading, "state": reading.state, "error": error}
        common |= found
        drawn = {part.name: render(part.file(self.folder), **common) for part in parts}
        blank = {} if error is None else dict.fromkeys(self.regions, "")
        return {**blank, "notice": render("notice.html", error=error), **drawn}
