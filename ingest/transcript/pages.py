"""Pages of a transcript: its events from one turn to another, read from the file as it is.

With an index only their lines are read, and up to 32 KB before them. Both ways go through the same
walk as the reader, so that all count turns alike.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ingest.transcript.events import Event, shown
from ingest.transcript.index import Index
from ingest.transcript.joins import Joins
from ingest.transcript.lines import rows
from ingest.transcript.pieces import Piece, pieces
from ingest.transcript.reading import Source, agent_of, in_order, opened
from ingest.transcript.record import Record, record


def events(
    index: Index, main: Source, subagents: Iterable[Source], first: int, limit: int
) -> list[Event]:
    """Events `first` to `first + limit` of a session; fewer at its end."""
    stop = min(first + limit, index.total)
    if not 0 <= first < stop:
        return []
    start = near(index, first)
    found: list[Event] = []
    for step in _walk([main, *in_order(subagents)], start, stop):
        if step.turn + len(step.pieces) > first:
            found += step.events(first, stop)
    for event in found:
        if event.kind == "tool_result" and (call := index.call_of(event.turn)):
            event.call_turn, event.tool_name = call[0], call[1] or None
    return found


def head(main: Source, first: int, limit: int, subagents: Iterable[Source] = ()) -> list[Event]:
    """The same without an index: reads from the start as far as needed."""
    joins = Joins()
    calls: dict[int, tuple[int, int]] = {}
    found: list[Event] = []
    for step in _walk([main, *in_order(subagents)], START, first + limit):
        for place, piece in enumerate(step.pieces, step.turn):
            if call := joins.see(step.record, piece, place):
                calls[place] = call
        if step.turn + len(step.pieces) > first:
            found += step.events(first, first + limit)
    names = list(joins.names)
    for event in found:
        if call := calls.get(event.turn):
            event.call_turn, event.tool_name = call[0], names[call[1]] or None
    return found


def piece(
    index: Index | None, main: Source, subagents: Iterable[Source], turn: int
) -> Piece | None:
    """What event `turn` was made from; None past the end."""
    if turn < 0 or (index is not None and turn >= index.total):
        return None
    start = START if index is None else near(index, turn)
    for step in _walk([main, *in_order(subagents)], start, turn + 1):
        if step.turn <= turn < step.turn + len(step.pieces):
            return step.pieces[turn - step.turn]
    return None


def near(index: Index, turn: int) -> _Start:
    """Where to start reading for `turn`."""
    at = bisect_right(index.turns, turn) - 1
    return _Start(index.files[at], index.offsets[at], index.lines[at], index.turns[at])


class _Start(NamedTuple):
    file: int
    offset: int
    line: int
    turn: int


START = _Start(0, 0, 1, 0)


class _Step(NamedTuple):
    """A record that has events."""

    record: Record
    pieces: list[Piece]
    turn: int
    line: int

    def events(self, first: int, stop: int) -> list[Event]:
        begin = max(first - self.turn, 0)
        return shown(
            self.record, self.pieces, self.turn, self.line, start=begin, stop=stop - self.turn
        )


def _walk(sources: list[Source], start: _Start, stop: int) -> Iterator[_Step]:
    """The records from `start` on, into the following files, until event `stop`."""
    _, offset, line, turn = start
    for number in range(start.file, len(sources)):
        agent = agent_of(sources[number], number)
        with opened(sources[number], offset) as file:
            for at, _, data, _ in rows(file, offset=offset, after=line - 1):
                if turn >= stop:
                    return
                if data is None:
                    continue
                one = record(data, agent)
                if found := pieces(one):
                    yield _Step(one, found, turn, at)
                    turn += len(found)
        offset, line = 0, 1
