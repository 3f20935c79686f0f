"""The words of a transcript that can be searched for: what people and agents said and thought, what
tools were asked and what they answered. A record in, its pieces out; nothing is kept between
records."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ingest.text_index import LONGEST, Piece
from ingest.transcript.pieces import Piece as Found
from ingest.transcript.record import Record, name, texts

_DEPTH = 6  # of what a tool was given
_PROMPTS = ("attachment", "queue-operation")


def searchable(record: Record, found: list[Found], turn: int) -> Iterator[Piece]:
    """The pieces of a record whose first event is `turn`."""
    for place, one in enumerate(found):
        if words := _words(one):
            role = "user" if record.type in _PROMPTS and one.said else record.type
            yield Piece(turn + place, one.kind, role, record.at, words)


def _words(piece: Found) -> str:
    if piece.kind == "text" or piece.kind == "thinking":
        return piece.text[:LONGEST]
    if piece.kind == "tool_use":
        given = piece.block.get("input")
        return _joined([name(piece.block.get("name")) or "", *_readable(given, _DEPTH)])
    if piece.kind == "tool_result":
        return _joined(texts(piece.block.get("content")))
    return ""


def _readable(value: Any, depth: int) -> Iterator[str]:
    """The texts in what a tool was given, without the names of its fields."""
    if type(value) is str:
        yield value
    elif depth and type(value) is dict:
        for part in value.values():
            yield from _readable(part, depth - 1)
    elif depth and type(value) is list:
        for part in value:
            yield from _readable(part, depth - 1)
    elif type(value) is int or type(value) is float:
        yield str(value)


def _joined(parts: Any) -> str:
    """Texts line by line, as far as there is room."""
    found: list[str] = []
    room = LONGEST
    for part in parts:
        if room <= 0:
            break
        found.append(part[:room])
        room -= len(part) + 1
    return "\n".join(found).strip()
