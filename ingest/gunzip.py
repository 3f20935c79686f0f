"""Reading gzip as it comes, a piece at a time.

It never holds more than one step of output, so that a few kilobytes which expand to gigabytes cost
no memory: whoever takes the pieces counts them and stops. It knows nothing of files.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from schema.errors import BadRequest

STEP = 1 << 20  # bytes of output a step, at most
# zlib copies what it did not use: short slices keep a body of a million tiny members cheap.
_SLICE = 8192
_GZIP = 16 + zlib.MAX_WBITS


class Gunzip:
    """Compressed chunks in, bytes out. Several members in a row are one file, as for gzip."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._member = zlib.decompressobj(_GZIP)
        self._members = 0

    def feed(self, data: bytes) -> Iterator[bytes]:
        """What `data` brings, in pieces of at most `STEP` bytes. Raises BadRequest: not gzip."""
        for start in range(0, len(data), _SLICE):
            rest = data[start : start + _SLICE]
            while rest:
                piece, rest = self._expand(rest)
                if piece:
                    yield piece

    def close(self) -> None:
        """Raises BadRequest when the end is missing."""
        if not self._member.eof:
            raise self._broken("it ends too early")

    def _expand(self, data: bytes) -> tuple[bytes, bytes]:
        if self._member.eof:
            self._member = zlib.decompressobj(_GZIP)
            self._members += 1
        member = self._member
        try:
            piece = member.decompress(data, STEP)
        except zlib.error as error:
            reason = str(error).partition(": ")[2] or str(error)
            after = " after the end of its data" if self._members else ""
            raise self._broken(f"{reason}{after}") from None
        return piece, member.unused_data if member.eof else member.unconsumed_tail

    def _broken(self, reason: str) -> BadRequest:
        return BadRequest(
            f"{self._name} is not a whole gzip file: {reason}",
            detail="Compress it again, then send it again.",
        )
