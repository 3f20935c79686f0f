"""Lines of a transcript that could not be read, by the events that they stand before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ingest.transcript.index import Index
from ingest.transcript.lines import rows
from ingest.transcript.pages import START, near
from ingest.transcript.pieces import pieces
from ingest.transcript.reading import Source, agent_of, in_order, opened
from ingest.transcript.record import record


class Unread(NamedTuple):
    """`turn` is that of the next event; at the end of the session it is their number."""

    turn: int
    line: int  # of its own file, from 1
    what: str
    agent: str | None  # of whose file


def unread(
    index: Index, main: Source, subagents: Iterable[Source], first: int, stop: int
) -> Iterator[Unread]:
    """Those before the events `first` to `stop`; with the last event also those after it."""
    if not 0 <= first < stop:
        return
    until = stop if stop < index.total else index.total + 1
    # What stands between two events is before the second; before the first is the beginning.
    start = near(index, first - 1) if first else START
    sources, turn = [main, *in_order(subagents)], start.turn
    offset, line = start.offset, start.line
    for number in range(start.file, len(sources)):
        agent = agent_of(sources[number], number)
        with opened(sources[number], offset) as file:
            for at, _, data, problem in rows(file, offset=offset, after=line - 1):
                if turn >= until:
                    return
                if problem and turn >= first:
                    yield Unread(turn, at, problem, agent)
                if data is not None:
                    turn += len(pieces(record(data, agent)))
        offset, line = 0, 1
