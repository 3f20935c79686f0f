"""Where a measurement stands: the data and, where it needs one, the running server."""

from __future__ import annotations

from dataclasses import dataclass

from bench.data import Data
from bench.server import Server


@dataclass(frozen=True)
class Stage:
    """What a measurement can use: the data, and the server where one runs."""

    data: Data
    server: Server | None = None

    @property
    def live(self) -> Server:
        if self.server is None:
            raise LookupError("this measurement needs a running server")
        return self.server
