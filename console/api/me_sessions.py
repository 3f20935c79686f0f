"""`/api/me/sessions…`: one's own sessions and transcripts, and who looked at them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from console import person_sessions
from console.api.transcripts import Download, Image, Outline, Page, TranscriptHandler
from console.api.user_sessions import DownloadAll
from console.handler import Handler, integer
from console.identity.rights import SIGNED_IN, Right
from console.sessions import READ, Reader
from console.transcript import transcript_looks

_ANYBODY: Mapping[str, Right] = {"GET": SIGNED_IN}


class MySessions(Handler):
    rights = _ANYBODY
    actions: ClassVar[Mapping[str, str]] = {"GET": READ}

    async def get(self) -> None:
        given = self.query(("limit", "offset"))
        limit = integer(given, "limit", 50, 1, 200)
        offset = integer(given, "offset", 0, 0, 10**9)

        def found() -> dict[str, Any]:
            me = self.caller.me.as_anybody()
            reader = Reader(self.instance, me)
            return person_sessions.page(reader, me.user_id, limit=limit, offset=offset)

        page = await self.instance.store.offload(found)
        await self.instance.was_read(self.caller, READ, {"endpoint": "me/sessions"})
        self.send(page)


class MyTranscriptViews(Handler):
    """When somebody else opened or took a transcript of mine, who, and why: nothing else."""

    rights = _ANYBODY

    async def get(self) -> None:
        given = self.query(("limit", "offset"))
        limit = integer(given, "limit", 50, 1, 200)
        offset = integer(given, "offset", 0, 0, 10**9)

        def found() -> dict[str, Any]:
            reader = Reader(self.instance, self.caller.me)
            rows, total = transcript_looks.views_of_mine(reader, limit=limit, offset=offset)
            return person_sessions.listed(rows, total, limit, offset)

        self.send(await self.instance.store.offload(found))


class _Own(TranscriptHandler):
    """Whoever asks is anybody here, and the user is always they."""

    rights = _ANYBODY

    @property
    def reader(self) -> Reader:
        return Reader(self.instance, self.caller.me.as_anybody())


class MyPage(_Own, Page):
    async def get(self, file: str) -> None:  # type: ignore[override]
        await super().get(self.caller.me.user_id, file)


class MyOutline(_Own, Outline):
    async def get(self, file: str) -> None:  # type: ignore[override]
        await super().get(self.caller.me.user_id, file)


class MyImage(_Own, Image):
    async def get(self, file: str, turn: str) -> None:  # type: ignore[override]
        await super().get(self.caller.me.user_id, file, turn)


class MyDownload(_Own, Download):
    async def get(self, file: str) -> None:  # type: ignore[override]
        await super().get(self.caller.me.user_id, file)


class MyDownloadAll(_Own, DownloadAll):
    async def get(self) -> None:  # type: ignore[override]
        await super().get(self.caller.me.user_id)


_ONE = r"/api/me/sessions/([^/]+)"
ROUTES = [
    (r"/api/me/sessions", MySessions),
    (r"/api/me/sessions/download-all", MyDownloadAll),
    (r"/api/me/transcript-views", MyTranscriptViews),
    (rf"{_ONE}/transcript", MyPage),
    (rf"{_ONE}/outline", MyOutline),
    (rf"{_ONE}/images/([0-9]{{1,9}})", MyImage),
    (rf"{_ONE}/download", MyDownload),
]
