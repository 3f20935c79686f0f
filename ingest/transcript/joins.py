"""Which call a result answers, told while a session is read from its start.

For who shows a transcript: every copy of a record counts here. `story` joins for who counts.
"""

from __future__ import annotations

from ingest.transcript.pieces import Piece
from ingest.transcript.record import Record, asked_by, name

_CALLS = 100_000  # 130 bytes each
_NAMES = 5_000


class Joins:
    """`names`: of tools, each with its number; 0 is no name."""

    def __init__(self) -> None:
        self.names: dict[str, int] = {"": 0}
        self._calls: dict[int, tuple[int, int]] = {}

    def see(self, record: Record, piece: Piece, turn: int) -> tuple[int, int] | None:
        """Takes note of a call. Of a result: the turn of its call and the number of its tool."""
        if piece.kind == "tool_result":
            return self._calls.get(hash(asked_by(record, piece.block)))
        if piece.kind == "tool_use" and len(self._calls) < _CALLS:
            tool = name(piece.block.get("name")) or ""
            if tool not in self.names and len(self.names) < _NAMES:
                self.names[tool] = len(self.names)
            key = name(piece.block.get("id")) or record.uuid
            if key:
                self._calls.setdefault(hash(key), (turn, self.names.get(tool, 0)))
        return None
