"""The lines of a transcript: bytes in, JSON objects out, whatever the bytes are.

Memory is bounded by the longest line that is taken, never by the file. Nothing here knows what a
record means; a line that cannot be read is a problem with a number, and the next one is read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, BinaryIO

import orjson

LIMIT = 16 << 20  # bytes a line; the longest seen in real files has 1.2 MB
WIDTH = 500_000  # brackets and commas a line: each may cost 60 bytes once parsed
VAIN = 250_000  # lines without an object: more are no transcript, and cost time
_MENDABLE = 4 << 20  # mending holds a line several times over
_STEP = 1 << 20
_BOM = b"\xef\xbb\xbf"
_PIECE = re.compile(rb"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")

CUT_SHORT = "the last line is cut short: the file may still be growing"
TOO_LONG = f"longer than {LIMIT >> 20} MB: left out"
NO_TRANSCRIPT = f"{VAIN:,} lines hold nothing that can be read: the rest of the file is left out"
TOO_WIDE = f"more than {WIDTH:,} brackets and commas: left out"
MENDED = "not all of it is UTF-8 text: replaced what is not"

# Number (from 1), offset in bytes, the object, what is wrong. There may be both of the last two.
Row = tuple[int, int, dict[str, Any] | None, str | None]


def rows(file: BinaryIO, *, offset: int = 0, after: int = 0) -> Iterator[Row]:
    """The lines of `file`, which stands at `offset`, after line `after`. Blank ones are left out.

    A line ends with LF, CRLF or CR. Never raises for what the bytes are.
    """
    vain = 0
    for number, start, line in _lines(file, offset, after):
        found, problem = (None, TOO_LONG) if line is None else _parse(line)
        if found is None:
            vain += 1
            if vain > VAIN:
                yield number, start, None, NO_TRANSCRIPT
                return
            if not problem:
                continue
            if line and line[-1:] not in b"\r\n":
                problem = CUT_SHORT
        yield number, start, found, problem
        del line, found  # or a long one is held beside the next


def _lines(file: BinaryIO, offset: int, number: int) -> Iterator[tuple[int, int, bytes | None]]:
    rest = b""
    while raw := rest + file.readline(LIMIT + 1 - len(rest)):
        rest = b""
        if len(raw) > LIMIT and raw[-1:] != b"\n":
            end = raw.rfind(b"\r", 0, -1) + 1  # old line ends: all lines came as one
            if not end:
                number += 1
                yield number, offset, None
                offset += len(raw) + _skip(file)
                continue
            raw, rest = raw[:end], raw[end:]
        if b"\r" not in raw:
            number += 1
            yield number, offset, raw
            offset += len(raw)
            continue
        for match in _PIECE.finditer(raw):  # lazily: there may be millions
            number += 1
            yield number, offset, match[0]
            offset += len(match[0])


def _skip(file: BinaryIO) -> int:
    """Leaves the rest of a line unread; its length in bytes."""
    size = 0
    while raw := file.readline(_STEP):
        size += len(raw)
        if raw[-1:] == b"\n":
            break
    return size


def _parse(line: bytes) -> tuple[dict[str, Any] | None, str | None]:
    """The object of a line and what is wrong with it; neither for a blank line."""
    if len(line) > WIDTH and sum(map(line.count, (b"{", b"[", b","))) > WIDTH:
        return None, TOO_WIDE
    problem = None
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        if line.startswith(_BOM):
            return _parse(line[len(_BOM) :])
        if not line.strip():
            return None, None
        value = _mended(line)
        problem = MENDED if value is not None else f"no JSON: {error.msg}"[:200]
    if type(value) is not dict:
        return None, problem or "no JSON object"
    return value, problem


def _mended(line: bytes) -> object:
    """The value of a line whose only fault is its text: invalid UTF-8 or half a surrogate pair,
    which no store takes. None if there is another fault."""
    if len(line) > _MENDABLE:
        return None
    try:
        value = json.loads(line.decode(errors="replace"))
        return orjson.loads(json.dumps(value, ensure_ascii=False).encode(errors="replace"))
    except (ValueError, RecursionError):
        return None
