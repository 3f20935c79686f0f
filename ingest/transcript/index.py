"""An index of a session: where to start reading for a turn, to which call each result belongs, and
where the prompts, the errors and the summaries of the history are.

It holds no text but the names of tools: some hundred kilobytes for a file of 100 MB. `pages` reads
with it.
"""

from __future__ import annotations

import struct
import sys
from array import array
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import blake2b

import orjson

from ingest.transcript.joins import Joins
from ingest.transcript.model import Digest
from ingest.transcript.pieces import GROUPS, Piece, group
from ingest.transcript.reading import Source, read
from ingest.transcript.record import Record
from schema.errors import AgnesError

_MAGIC = f"agnes index 2 {sys.byteorder}\n".encode()
_STEP = 32 << 10  # bytes between two places to start at: what a page reads in vain, at most
_RESULTS = 250_000  # 12 bytes each
_SUM = 16


class BadIndex(AgnesError):
    """What should be an index is none, or only a part of one."""

    title = "Unreadable index"

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"the index of this transcript cannot be used: {reason}",
            detail="It is made anew when the transcript is processed again.",
        )


def _numbers() -> array[int]:
    return array("I")


@dataclass(slots=True)
class Index:
    """Parallel arrays, sorted by turn. `total`: events in the session."""

    total: int = 0
    names: list[str] = field(default_factory=list)  # of tools; the first is ""
    # Places to start reading: file (0 is the session's own), offset, line, first turn there.
    files: array[int] = field(default_factory=_numbers)
    offsets: array[int] = field(default_factory=lambda: array("Q"))
    lines: array[int] = field(default_factory=_numbers)
    turns: array[int] = field(default_factory=_numbers)
    # Results: their turn, their call's turn, the number of its tool's name.
    results: array[int] = field(default_factory=_numbers)
    calls: array[int] = field(default_factory=_numbers)
    tools: array[int] = field(default_factory=_numbers)
    # Turns of what people said, and of what failed: where to jump to.
    prompts: array[int] = field(default_factory=_numbers)
    errors: array[int] = field(default_factory=_numbers)
    # Of each event, by turn: the number of its group in `pieces.GROUPS`.
    groups: array[int] = field(default_factory=lambda: array("B"))
    # Turns at which the history was summarised.
    compacted: array[int] = field(default_factory=_numbers)

    def call_of(self, turn: int) -> tuple[int, str] | None:
        """Turn and tool of the call that the result at `turn` answers."""
        at = bisect_left(self.results, turn)
        if at == len(self.results) or self.results[at] != turn:
            return None
        return self.calls[at], self.names[self.tools[at]]

    def to_bytes(self) -> bytes:
        """For storage, on machines with this one's order of bytes."""
        arrays = self._arrays()
        lengths = [len(one) for one in arrays]
        head = orjson.dumps({"total": self.total, "names": self.names, "lengths": lengths})
        parts = (_MAGIC, struct.pack("=I", len(head)), head, *(one.tobytes() for one in arrays))
        body = b"".join(parts)
        return body + _sum(body)

    @classmethod
    def from_bytes(cls, data: bytes) -> Index:
        """Raises BadIndex for what `to_bytes` did not write, or not to its end."""
        if not data.startswith(_MAGIC):
            raise BadIndex("it is of another kind, version or machine")
        body = data[:-_SUM]
        if _sum(body) != data[-_SUM:]:
            raise BadIndex("it is cut short or damaged")
        place = len(_MAGIC) + 4
        (size,) = struct.unpack("=I", body[len(_MAGIC) : place])
        head = orjson.loads(body[place : place + size])
        place += size
        index = cls(head["total"], head["names"])
        # The last array is not in what an earlier version wrote.
        for one, length in zip(index._arrays(), head["lengths"], strict=False):
            one.frombytes(body[place : place + length * one.itemsize])
            place += length * one.itemsize
        return index

    def _arrays(self) -> tuple[array[int], ...]:
        places = (self.files, self.offsets, self.lines, self.turns)
        joined = (self.results, self.calls, self.tools)
        return (*places, *joined, self.prompts, self.errors, self.groups, self.compacted)


def _sum(body: bytes) -> bytes:
    return blake2b(body, digest_size=_SUM).digest()


class Indexer:
    """Makes an index beside a digest, in one pass:
    `indexer = Indexer(); digest = read(..., note=indexer.note); index = indexer.finish(digest)`."""

    def __init__(self) -> None:
        self._index = Index()
        self._joins = Joins()

    def note(
        self, file: int, offset: int, line: int, turn: int, record: Record, found: list[Piece]
    ) -> None:
        """One record that has events; `read` calls it."""
        index = self._index
        if not index.files or index.files[-1] != file or offset - index.offsets[-1] >= _STEP:
            index.files.append(file)
            index.offsets.append(offset)
            index.lines.append(line)
            index.turns.append(turn)
        for piece in found:
            index.groups.append(GROUPS.index(group(piece)))
            if piece.kind in ("tool_use", "tool_result"):
                call = self._joins.see(record, piece, turn)
                if call and len(index.results) < _RESULTS:
                    index.results.append(turn)
                    index.calls.append(call[0])
                    index.tools.append(call[1])
            turn += 1

    def finish(self, digest: Digest) -> Index:
        """The index, once `read` gave its digest."""
        index = self._index
        index.total = digest.turns
        index.names = list(self._joins.names)
        prompts = {one.turn for one in digest.moments if one.said == "human"}
        errors = {one.turn for one in digest.moments if one.said == "api_error"}
        ended = (*digest.calls, *digest.orphans)
        errors.update(call.result.turn for call in ended if call.result and call.outcome == "error")
        compacted = {one.turn for one in digest.moments if one.said == "compact"}
        index.prompts = array("I", sorted(prompts))
        index.compacted = array("I", sorted(compacted))
        index.errors = array("I", sorted(errors))
        return index


def build(main: Source, subagents: Iterable[Source] = ()) -> Index:
    """The index of a session."""
    indexer = Indexer()
    return indexer.finish(read(main, subagents, note=indexer.note))
