"""`/api/feedback`: sending a report, and one's own. SPEC section 14."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar, cast

import orjson
from tornado.http1connection import HTTP1Connection
from tornado.web import HTTPError, stream_request_body

from console.feedback import given as clean
from console.feedback import reading, reports
from console.feedback.given import AMENDS, BODY_LIMIT, FIELDS
from console.feedback.reading import READ, Reader, Row
from console.handler import Handler, cursor, flag, integer
from console.identity.rights import SIGNED_IN, Right
from console.queries.feedback_filter import FeedbackFilter
from schema.errors import AgnesError, BadParameter, Outdated, TooLarge

PAGING = ("limit", "sort", "cursor_ts", "cursor_id", "newer")
_HEARD = 64 << 20  # bytes of a body that are listened to before it is refused
_FINGERPRINT = re.compile(r"[0-9a-f]{64}")
_ANYBODY: Mapping[str, Right] = {"GET": SIGNED_IN}


class FeedbackHandler(Handler):
    """What all endpoints over reports share: the reader, the row that says it was read, and what is
    said to whoever was slower."""

    @property
    def reader(self) -> Reader:
        return Reader(self.instance, self.caller.me)

    async def was_read(self, endpoint: str, given: Mapping[str, str]) -> None:
        await self.instance.was_read(self.caller, READ, {"endpoint": endpoint, **given})

    async def report(self, id: str) -> Row:
        return await self.instance.store.offload(reading.one, self.reader, id)

    async def changed(self, id: str, step: Any, yours: Mapping[str, Any]) -> None:
        """Do `step`; the report as it is then. Raises Outdated with how it stands, and `yours`."""
        try:
            await self.instance.store.awrite(step)
        except Outdated as error:
            error.more = {"current": await self.report(id), "yours": dict(yours)}
            raise
        self.send(await self.report(id))

    def change(self, known: Mapping[str, type | tuple[type, ...]]) -> tuple[int, dict[str, Any]]:
        """The version that was seen, and what is wanted: a null in the body is None."""
        given = self.body(known, need=("version",))
        nulls = [name for name, value in orjson.loads(self.request.body).items() if value is None]
        return given.pop("version"), {**given, **dict.fromkeys(nulls)}


@stream_request_body
class Feedback(FeedbackHandler):
    """Nothing of a body beyond the limit is kept or parsed."""

    rights: ClassVar[Mapping[str, Right]] = {"GET": SIGNED_IN, "POST": SIGNED_IN}
    actions: ClassVar[Mapping[str, str]] = {"GET": READ, "POST": "feedback.report"}

    async def prepare(self) -> None:
        self._pieces: list[bytes] = []
        self._size = 0
        self._refusal: Exception | None = None
        try:
            await super().prepare()
        except (AgnesError, HTTPError) as error:
            if self.request.method != "POST":
                raise
            self._refusal = error  # told once the body has come: who is sending does not listen
        else:
            cast(HTTP1Connection, self.request.connection).set_max_body_size(_HEARD)

    def data_received(self, chunk: bytes) -> None:
        self._size += len(chunk)
        if self._refusal is None and self._size <= BODY_LIMIT:
            self._pieces.append(chunk)

    async def get(self) -> None:
        given = self.query(PAGING)
        page = await listed(self, self.reader.own(), given, FeedbackFilter(heads=False))
        await self.was_read("own", {})
        self.send(page)

    async def post(self) -> None:
        if self._refusal is not None:
            raise self._refusal
        self.query(())
        if self._size > BODY_LIMIT:
            raise TooLarge(
                f"a report may have {BODY_LIMIT >> 20} MiB",
                detail="Send fewer turns of the session.",
            )
        self.request.body = b"".join(self._pieces)
        body = self.body(FIELDS)
        given = await self.instance.store.offload(clean.report, self.caller.me.user_id, body)
        created = await self.instance.store.awrite(reports.create(self.caller, given))
        if created.new:
            self.instance.posthog.capture(
                "feedback_report_submitted",
                self.caller.me.reader,
                with_category=given.category is not None,
                with_session=given.session_file is not None,
                with_excerpt=bool(given.excerpt),
            )
        self.send(created.body, 201 if created.new else 200)


class Known(FeedbackHandler):
    """Is the same thing known? No name, and nothing of anybody's report."""

    rights = _ANYBODY

    async def get(self) -> None:
        given = self.query(("fingerprint",))
        mark = given.get("fingerprint", "")
        if not _FINGERPRINT.fullmatch(mark):
            raise BadParameter("fingerprint", mark, "64 digits of a SHA-256, in hexadecimal")
        found = await self.instance.store.offload(reading.known, self.reader, mark)
        await self.was_read("known", given)
        self.send(found)


class Terms(FeedbackHandler):
    """Where reports go, who reads them and for how long: what is shown before one is sent."""

    rights = _ANYBODY

    async def get(self) -> None:
        self.query(())
        readers = await self.instance.store.offload(reading.readers, self.reader)
        self.send(
            {
                "destination": f"{self.request.protocol}://{self.request.host}",
                "readers": readers,
                "retention_days": self.instance.settings.feedback_retention_days,
                "max_bytes": BODY_LIMIT,
                "per_hour": reports.PER_HOUR,
            }
        )


class Own(FeedbackHandler):
    """One's own report: read, amended, deleted."""

    rights: ClassVar[Mapping[str, Right]] = dict.fromkeys(("GET", "PATCH", "DELETE"), SIGNED_IN)
    actions: ClassVar[Mapping[str, str]] = {"PATCH": "feedback.update", "DELETE": "feedback.delete"}

    @property
    def reader(self) -> Reader:
        return super().reader.own()

    async def get(self, id: str) -> None:
        self.query(())
        row = await self.report(id)
        await self.was_read("own", {"id": id})
        self.send(row)

    async def patch(self, id: str) -> None:
        self.query(())
        version, wanted = self.change(AMENDS)
        await self.changed(id, reports.amend(self.caller, id, version, wanted), wanted)

    async def delete(self, id: str) -> None:
        self.query(())
        await self.instance.store.awrite(reports.delete(self.caller, id, own=True))
        self.nothing()


async def listed(
    handler: FeedbackHandler, reader: Reader, given: Mapping[str, str], filter: FeedbackFilter
) -> Row:
    """One page of reports in the envelope that lists with a cursor have."""
    limit = integer(given, "limit", 50, 1, 200)
    after, newer = cursor(given), flag(given, "newer")

    def found() -> reading.Page:
        sort = given.get("sort") or ("last_at:desc" if filter.heads else "created_at:desc")
        by = reading.order(reader, sort, *after, newer=newer)
        return reading.listing(reader, filter, by, limit)

    page = await handler.instance.store.offload(found)
    cursors = {"next_cursor": page.next, "prev_cursor": page.prev}
    return {"rows": page.rows, "total": page.total, "limit": limit, **cursors}


ROUTES = [
    (r"/api/feedback", Feedback),
    (r"/api/feedback/known", Known),
    (r"/api/feedback/terms", Terms),
    (r"/api/feedback/([A-Za-z0-9-]{1,64})", Own),
]
