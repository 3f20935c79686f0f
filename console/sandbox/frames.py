"""How the server and a child talk: frames of a kind, a length and that many bytes.

`Q` question (JSON) and `T` a piece of a table's Arrow stream, an empty one after its last, go in;
`A` a piece of the answer's Arrow stream, `D` done and `E` error (JSON) come out. No pickle: a child
that was taken over must not be able to run code in the server.
"""

from __future__ import annotations

from typing import BinaryIO, Protocol

import orjson

QUESTION, TABLE, ANSWER, DONE, ERROR = b"Q", b"T", b"A", b"D", b"E"
ROW = 8 << 20  # bytes that one row of an answer may have
_HEAD = 9


class _Writes(Protocol):
    def write(self, data: bytes | bytearray, /) -> object: ...


def send(to: _Writes, kind: bytes, payload: bytes | bytearray) -> None:
    to.write(kind + len(payload).to_bytes(_HEAD - 1, "big"))
    to.write(payload)


def tell(to: _Writes, kind: bytes, /, **what: object) -> None:
    send(to, kind, orjson.dumps(what))


def receive(source: BinaryIO, *, most: int) -> tuple[bytes, bytes] | None:
    """The next frame; None where the other side has ended. Raises ValueError for one of more than
    `most` bytes."""
    head = source.read(_HEAD)
    if len(head) < _HEAD:
        return None
    size = int.from_bytes(head[1:], "big")
    if size > most:
        raise ValueError(f"a frame of {size} bytes; {most} are allowed")
    payload = source.read(size)
    return (head[:1], payload) if len(payload) == size else None
