"""`GET /api/openapi.json`: this API, described for programs.

The document is a file beside this one, written from the handlers (`tests/test_habit_api.py`, which
also compares them). So asking for it costs a read, and it holds nothing of this instance.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from console.handler import Handler
from console.identity.rights import PUBLIC, Right

FILE = Path(__file__).with_name("openapi.json")


class OpenApi(Handler):
    """OpenAPI 3.1."""

    rights: ClassVar[Mapping[str, Right]] = {"GET": PUBLIC}

    async def get(self) -> None:
        self.query(())
        self.set_header("Content-Type", "application/json; charset=utf-8")
        self.finish(await self.instance.store.offload(FILE.read_bytes))


ROUTES = [(r"/api/openapi\.json", OpenApi)]
