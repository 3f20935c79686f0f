"""`/api/admin/sessions/<user>/<file>/…`: one transcript, page by page or as it came. SPEC section
13. Whoever opens or takes one stands in the audit log."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

from tornado.iostream import StreamClosedError

from console.audit import entry
from console.handler import Handler, integer
from console.identity.rights import SESSIONS, Right
from console.sessions import READ, Reader, Row
from console.transcript import transcript_looks, transcripts
from console.transcript.transcripts import Transcript

_FARTHEST = 10**9


class TranscriptHandler(Handler):
    """What the endpoints about one transcript share."""

    rights: ClassVar[Mapping[str, Right]] = {"GET": SESSIONS}

    @property
    def reader(self) -> Reader:
        return Reader(self.instance, self.caller.me)

    async def opened(self, user: str, file: str, reason: str | None) -> tuple[Transcript, str]:
        """The transcript, and the reason with which it is opened."""
        self.about = f"session:{transcripts.named(user, file)}"
        found = await self.instance.store.offload(transcripts.opened, self.reader, user, file)
        return found, transcript_looks.stated(self.instance, self.caller, user, reason) or ""

    async def stream(self, pieces: Iterator[bytes]) -> None:
        """Send `pieces`, no faster than they are taken."""
        try:
            while (piece := await self.instance.store.offload(next, pieces, None)) is not None:
                self.write(piece)
                await self.flush()
        except StreamClosedError:
            return  # the client left
        self.finish()

    def attach(self, content_type: str, filename: str) -> None:
        """`filename` must be free of quotes and line ends."""
        self.set_header("Content-Type", content_type)
        self.set_header("Content-Disposition", f'attachment; filename="{filename}"')


class Page(TranscriptHandler):
    """Events `from` to `from + limit`, with what is known about the session."""

    actions: ClassVar[Mapping[str, str]] = {"GET": "session.transcript_view"}

    async def get(self, user: str, file: str) -> None:
        given = self.query(("from", "limit", "kinds", "reason"))
        first = integer(given, "from", 0, 0, _FARTHEST)
        limit = integer(given, "limit", 100, 1, 500)
        kinds = transcripts.kinds_of(given.get("kinds"))
        found, reason = await self.opened(user, file, given.get("reason"))
        page = await self.instance.store.offload(transcripts.events, found, first, limit, kinds)
        await transcript_looks.seen(
            self.caller, found, turn=first, via="api", reason=reason or None, paging=first > 0
        )
        self.send(page)


class Outline(TranscriptHandler):
    """Where to jump to."""

    actions: ClassVar[Mapping[str, str]] = {"GET": "session.transcript_view"}

    async def get(self, user: str, file: str) -> None:
        given = self.query(("reason",))
        found, reason = await self.opened(user, file, given.get("reason"))
        outline = await self.instance.store.offload(transcripts.outline, found)
        await transcript_looks.seen(
            self.caller, found, via="outline", reason=reason or None, paging=True
        )
        self.send(outline)


class Image(TranscriptHandler):
    """The image that an event is; nothing that a browser would run."""

    actions: ClassVar[Mapping[str, str]] = {"GET": "session.transcript_view"}

    async def get(self, user: str, file: str, turn: str) -> None:
        given = self.query(("reason",))
        found, reason = await self.opened(user, file, given.get("reason"))
        number = int(turn)
        media_type, data = await self.instance.store.offload(transcripts.image, found, number)
        await transcript_looks.seen(
            self.caller, found, turn=number, via="image", reason=reason or None, paging=True
        )
        self.set_header("Content-Type", media_type)
        self.set_header("Content-Security-Policy", "default-src 'none'; sandbox")
        ending = media_type.partition("/")[2]
        self.set_header("Content-Disposition", f'inline; filename="event-{number}.{ending}"')
        self.finish(data)


class Download(TranscriptHandler):
    """The session's own file, byte for byte."""

    actions: ClassVar[Mapping[str, str]] = {"GET": "session_download"}

    async def get(self, user: str, file: str) -> None:
        given = self.query(("reason",))
        found, reason = await self.opened(user, file, given.get("reason"))
        offload = self.instance.store.offload
        with found.file(found.main) as source:
            size, tag = await offload(source.size), await offload(source.tag)
            params = {
                "session_file": found.session_file,
                "bytes": size,
                "via": "api",
                "reason": reason or None,
            }
            await self.instance.record(
                entry(self.caller, "session_download", resource=found.resource, params=params)
            )
            self.attach("application/x-ndjson", found.main.filename)
            self.set_header("ETag", tag)
            if self.check_etag_header():
                self.set_status(304)
                self.clear_header("Content-Type")
                self.finish()
                return
            self.set_header("Content-Length", str(size))
            await self.stream(source.pieces())


class Views(TranscriptHandler):
    """Who looked at it, and why."""

    actions: ClassVar[Mapping[str, str]] = {"GET": READ}

    async def get(self, user: str, file: str) -> None:
        self.query(())
        self.about = f"session:{transcripts.named(user, file)}"

        def found() -> tuple[str, list[Row]]:
            transcript = transcripts.opened(self.reader, user, file)
            return transcript.session_file, transcript_looks.views(self.reader, transcript)

        key, rows = await self.instance.store.offload(found)
        await self.instance.was_read(self.caller, READ, {"endpoint": "views", "session_file": key})
        self.send({"rows": rows})


_ONE = r"/api/admin/sessions/([^/]+)/([^/]+)"
ROUTES = [
    (rf"{_ONE}/transcript", Page),
    (rf"{_ONE}/outline", Outline),
    (rf"{_ONE}/images/([0-9]{{1,9}})", Image),
    (rf"{_ONE}/download", Download),
    (rf"{_ONE}/views", Views),
]
