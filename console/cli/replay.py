"""A transcript as it comes from the server, page by page: never more of it in memory than one."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from schema.errors import Forbidden

if TYPE_CHECKING:
    from console.client import Client, Json

FIRST, PAGE = 50, 100  # events: of the first page, which is waited for, and of the others
AROUND = 2  # events shown on either side of an error or a finding


@dataclass(frozen=True)
class Wanted:
    """Which events: from a turn on, of these kinds (as the server names them), at most so many;
    `errors`: what failed or was found, and what is around it."""

    first: int = 0
    kinds: str | None = None
    errors: bool = False
    limit: int | None = None


@dataclass(frozen=True)
class Source:
    """One transcript on a server, and why it is looked at."""

    client: Client
    base: str
    reason: str | None = None

    def page(self, first: int, limit: int, kinds: str | None = None) -> Json:
        more = {} if kinds is None else {"kinds": kinds}
        return self._asked("transcript", {"from": first, "limit": limit, **more})

    def outline(self) -> Json:
        return self._asked("outline", {})

    def _asked(self, what: str, params: Json) -> Json:
        given = params if self.reason is None else {**params, "reason": self.reason}
        with reason_named():
            return self.client.request("GET", f"{self.base}/{what}", params=given)


@contextmanager
def reason_named() -> Iterator[None]:
    """Where the server asks why, say with which option to tell it."""
    try:
        yield
    except Forbidden as error:
        if "reason=" not in error.detail:
            raise
        advice = "give --reason TEXT; it holds for an hour, and the person sees it"
        raise Forbidden(error.message, detail=advice) from error


def pages(source: Source, wanted: Wanted) -> Iterator[Json]:
    """Pages of what is wanted, as the server answers them; at least one, which may be empty. The
    last has what comes next in `next`, when the limit cut it off: a turn, or None."""
    found = _around_errors(source, wanted) if wanted.errors else _in_order(source, wanted)
    left = wanted.limit
    for page in found:
        events = page["events"]
        if left is not None:
            page["events"], rest = events[:left], events[left:]
            left -= len(page["events"])
            if rest or (left == 0 and page["next"] is not None):
                page["next"] = rest[0]["turn"] if rest else _after(page["events"])
                yield page
                return
        yield page


def _in_order(source: Source, wanted: Wanted) -> Iterator[Json]:
    first: int | None = wanted.first
    if wanted.kinds is not None and wanted.first:
        first = _place(source, wanted.kinds, wanted.first)
    size = FIRST
    while first is not None:
        page = source.page(first, size, wanted.kinds)
        first, size = page["next"], PAGE
        yield page


def _place(source: Source, kinds: str, turn: int) -> int:
    """The place of the first event from `turn` on, among those of these kinds."""
    total = source.page(0, 1, kinds)["total"]

    def at(place: int) -> int:
        found: int = source.page(place, 1, kinds)["events"][0]["turn"]
        return found

    return bisect_left(range(total), turn, key=at)


def _around_errors(source: Source, wanted: Wanted) -> Iterator[Json]:
    """What failed or was found, each with what is around it."""
    outline = source.outline()
    # Where a finding stands is known with the index.
    turns = {mark["turn"] for mark in outline["findings"] if mark["turn"] is not None}
    turns.update(outline["errors"] if outline["indexed"] else _failed(source))
    stretches = list(_stretches(sorted(turn for turn in turns if turn >= wanted.first)))
    if not stretches:
        yield {**source.page(wanted.first, 1), "events": [], "next": None}
    for number, (first, last) in enumerate(stretches):
        while first <= last:
            page = source.page(first, min(PAGE, last + 1 - first))
            if not page["events"]:
                break
            first += len(page["events"])
            if first > last and number == len(stretches) - 1:
                page["next"] = None
            yield page


def _failed(source: Source) -> Iterator[int]:
    """The turns of what failed, of a transcript whose outline does not know them yet."""
    for page in _in_order(source, Wanted(kinds="errors")):
        yield from (event["turn"] for event in page["events"])


def _stretches(turns: list[int]) -> Iterator[tuple[int, int]]:
    """First and last turn of what is shown around `turns`, which are sorted."""
    if not turns:
        return
    first, last = max(0, turns[0] - AROUND), turns[0] + AROUND
    for turn in turns[1:]:
        if turn - AROUND > last + 2:  # a single event between two stretches is shown
            yield first, last
            first = turn - AROUND
        last = turn + AROUND
    yield first, last


def _after(events: list[Json]) -> int | None:
    return events[-1]["turn"] + 1 if events else None
