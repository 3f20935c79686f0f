"""`POST /api/upload/sessions`: a transcript comes in as a stream and is kept, or is refused as soon
as that is known. Nothing is parsed here; `ingest.uploads` knows how a file is kept.

A refusal is answered while the body is still coming. The rest of it is read for a while and thrown
away: a server that closes at once makes a client fail at sending, before it has seen the answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, cast

import orjson
from tornado.http1connection import HTTP1Connection
from tornado.ioloop import IOLoop
from tornado.web import HTTPError, stream_request_body

from console.api.form import Form, Part
from console.audit import Caller, entry
from console.handler import Handler, envelope
from console.identity.rights import SIGNED_IN, Right
from ingest.session_files import Target, target
from ingest.uploads import MB, Note, Receiver, Stored
from schema.errors import AgnesError, BadParameter, BadRequest, TooLarge
from schema.transaction import Row, Rows

_BATCH = 256 * 1024  # bytes for one hop to a thread: a usual transcript takes a single one
_PARENT = 512  # bytes of the field `parent`, at most
_LINGER = 10.0  # seconds in which the rest of a refused body is still read
_PATIENCE = 3600.0  # seconds for a whole body
_FIELDS = ("file", "parent")


class Incoming:
    """What has come of one upload's form. Its fields come in any order: where the file belongs is
    known at the end."""

    def __init__(self, content_type: str, folder: Path, user_id: str, *, limit: int) -> None:
        self._form = Form(content_type)
        self._folder = folder
        self._user_id = user_id
        self._limit = limit
        self._parts: dict[str, Part] = {}
        self._parent = b""
        self._batch: list[bytes] = []
        self.waiting = 0
        self.receiver: Receiver | None = None

    def feed(self, chunk: bytes) -> None:
        """Take a chunk of the body. The file's bytes wait for `batch`. Raises BadRequest."""
        for part, data in self._form.feed(chunk):
            if part is not self._parts.get(part.name):
                self._begin(part)
            if part.name == "file":
                self._batch.append(data)
                self.waiting += len(data)
            else:
                self._parent += data
                if len(self._parent) > _PARENT:
                    raise BadParameter("parent", self._parent, f"at most {_PARENT} bytes")

    def batch(self) -> bytes:
        """The file's bytes that came since the last call."""
        batch, self._batch, self.waiting = self._batch, [], 0
        return b"".join(batch)

    def close(self) -> tuple[Receiver, Target]:
        """The form has ended: what receives its file, and where that belongs. Raises BadRequest."""
        self._form.close()
        if self.receiver is None:
            raise BadRequest("no file was sent", detail="Send it as the field `file` of the form.")
        parent = self._parent.decode("utf-8", "backslashreplace")
        filename = self._parts["file"].filename or ""
        return self.receiver, target(self._user_id, filename, parent or None)

    def _begin(self, part: Part) -> None:
        if part.name not in _FIELDS:
            raise BadParameter.unknown(part.name, _FIELDS, what="field")
        if part.name in self._parts:
            raise BadParameter(part.name, part.filename or "", "a form has one; send one by one")
        self._parts[part.name] = part
        if part.name == "parent":
            if part.filename is not None:
                raise BadParameter("parent", part.filename, "it is a text, not a file")
        elif part.filename is None:
            raise BadParameter("filename", "", "the field `file` needs one")
        else:
            self.receiver = Receiver(self._folder, self._user_id, part.filename, limit=self._limit)


@stream_request_body
class UploadSession(Handler):
    """Takes `file` and `parent`; answers 201 `{status, filename, size, session_file}`."""

    rights: ClassVar[Mapping[str, Right]] = {"POST": SIGNED_IN}
    actions: ClassVar[Mapping[str, str]] = {"POST": "session.upload"}
    takes: ClassVar[Mapping[str, str]] = {"POST": "multipart/form-data"}

    _incoming: Incoming | None = None
    _room = 0  # bytes of the body that may still come
    _reading = False  # until the last byte of the body
    _timer: object = None

    def set_default_headers(self) -> None:
        super().set_default_headers()
        if self.request.method != "POST":  # the body is not read: nothing can come after it
            self.set_header("Connection", "close")

    async def prepare(self) -> None:
        if self.request.method != "POST":
            await super().prepare()
            return
        connection = cast(HTTP1Connection, self.request.connection)
        connection.set_max_body_size(sys.maxsize)  # counted here, so that the answer is ours
        connection.set_body_timeout(_PATIENCE)
        self._reading = "Expect" not in self.request.headers  # else the body waits for our word
        try:
            await super().prepare()
            self.query(())
            self._incoming = self._expect()
        except Exception as error:  # noqa: BLE001 (whatever it is has an answer)
            self._refuse(error)
        else:
            self._reading = True

    async def data_received(self, chunk: bytes) -> None:
        incoming = self._incoming
        if incoming is None:
            return
        try:
            self._take_room(len(chunk))
            incoming.feed(chunk)
            if incoming.receiver is not None and incoming.waiting >= _BATCH:
                await self.instance.store.offload(incoming.receiver.write, incoming.batch())
        except Exception as error:  # noqa: BLE001 (as above)
            self._refuse(error)

    async def post(self) -> None:
        self._reading = False
        if self._incoming is None:  # refused, and answered already
            self.finish()
            return
        receiver, where = self._incoming.close()
        rest, store, note = self._incoming.batch(), self.instance.store, noted_by(self.caller)
        self._incoming = None  # `keep` cleans up after itself, also when nobody waits any more

        def keep() -> Stored:
            receiver.write(rest)
            return receiver.commit(store, where, note)

        stored = await store.offload(keep)
        answer = {
            "status": "ok",
            "filename": where.filename,
            "size": stored.size,
            "session_file": where.session_file,
        }
        self.send(answer, 201)

    def show_error(self, error: AgnesError) -> None:
        if not self._reading:
            super().show_error(error)
            return
        body = orjson.dumps(envelope(error))
        self.set_header("Content-Type", "application/json; charset=utf-8")
        self.set_header("Content-Length", str(len(body)))
        self.write(body)
        self.flush()
        self._timer = IOLoop.current().call_later(_LINGER, self._hang_up)

    def on_finish(self) -> None:
        self._leave()

    def on_connection_close(self) -> None:
        super().on_connection_close()
        self._leave()

    def _expect(self) -> Incoming:
        settings = self.instance.settings
        limit = settings.upload_max_mb * MB
        self._room = limit + limit // 64 + 64 * 1024  # gzip can make a file longer, by 0.1 %
        announced = self.request.headers.get("Content-Length", "")
        if announced.isdecimal() and len(announced) < 19 and int(announced) > self._room:
            raise self._too_large(f"{int(announced) / MB:.0f} MB")
        kind = self.request.headers.get("Content-Type", "")
        return Incoming(kind, settings.folder, self.caller.me.user_id, limit=limit)

    def _take_room(self, size: int) -> None:
        self._room -= size
        if self._room < 0:
            raise self._too_large("longer")

    def _too_large(self, size: str) -> TooLarge:
        return TooLarge(
            f"a transcript may have {self.instance.settings.upload_max_mb} MB; this one is {size}",
            detail="AGNES_UPLOAD_MAX_MB on the server sets the limit.",
        )

    def _refuse(self, error: Exception) -> None:
        """Answer now, whatever of the body is still to come; keep nothing of it."""
        self._discard()
        found = (type(error), error, error.__traceback__)
        self.log_exception(*found)
        self.write_error(error.status_code if isinstance(error, HTTPError) else 500, exc_info=found)

    def _hang_up(self) -> None:
        cast(HTTP1Connection, self.request.connection).close()

    def _leave(self) -> None:
        if self._timer is not None:
            IOLoop.current().remove_timeout(self._timer)
            self._timer = None
        self._discard()

    def _discard(self) -> None:
        receiver = self._incoming.receiver if self._incoming else None
        self._incoming = None
        if receiver is not None:
            self._discarding = asyncio.ensure_future(self._discarded(receiver))

    async def _discarded(self, receiver: Receiver) -> None:
        # When the server is stopping, its next start clears up.
        with contextlib.suppress(RuntimeError):
            await self.instance.store.offload(receiver.discard)


def noted_by(caller: Caller) -> Note:
    """How an upload of this caller stands in the audit log."""

    def note(stored: Stored, before: Row | None) -> Rows:
        params = {
            "filename": stored.target.filename,
            "bytes": stored.size,
            "session_file": stored.target.session_file,
            "sha256": stored.sha256,
            "parent": stored.target.parent,
            "replaced": before is not None,
        }
        resource = f"session:{stored.target.session_file}"
        return entry(caller, "session.upload", resource=resource, params=params, before=before)

    return note


ROUTES = [(r"/api/upload/sessions", UploadSession)]
