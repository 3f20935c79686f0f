"""A file as the body of an upload: read in pieces, never longer than it was at the start.

A transcript of a running session grows while it is sent. The length is announced before the first
byte, and a body that turns out longer breaks the request.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import BinaryIO


class FileBody:
    """The first `size` bytes of `source`, with `read`, `seek` and `tell` as HTTP clients ask them.

    It has no `fileno` on purpose: a client would take the length of the file as it is by then.
    """

    def __init__(self, source: BinaryIO, *, progress: Callable[[int], None] | None = None) -> None:
        self.size = os.fstat(source.fileno()).st_size
        self._source = source
        self._progress = progress

    def read(self, wanted: int = -1) -> bytes:
        left = self.size - self.tell()
        data = self._source.read(left if wanted < 0 else min(wanted, left))
        if data and self._progress is not None:
            self._progress(self.tell())
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        if whence == os.SEEK_END:
            offset += self.size
        elif whence == os.SEEK_CUR:
            offset += self.tell()
        return self._source.seek(offset)

    def tell(self) -> int:
        return self._source.tell()
