"""`/api/jobs/…`: what kernels ask for and hand back. Open to running jobs and to admins."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from typing import ClassVar, cast

from tornado.http1connection import HTTP1Connection
from tornado.web import HTTPError, stream_request_body

from console import processing, retention
from console.handler import Handler
from console.identity.rights import SERVICE, Right
from ingest.folders import entered
from ingest.pending import file
from ingest.session_files import FOLDER, Target
from ingest.wire import unpack
from schema.bind import Text
from schema.errors import AgnesError, BadParameter, NotFound, TooLarge

_LIMIT = 256 << 20  # bytes of one commit
_PIECE = 1 << 20
_MOST = 200  # sessions claimed at once


class Pending(Handler):
    """`{processors, limit}` → the sessions that the caller may now work on."""

    rights: ClassVar[Mapping[str, Right]] = {"POST": SERVICE}

    async def post(self) -> None:
        self.query(())
        given = self.body({"processors": list, "limit": int}, need=("processors",))
        names = processing.known([str(name) for name in given["processors"]])
        if not names:
            raise BadParameter("processors", "[]", "name at least one")
        limit = given.get("limit", _MOST)
        if not 0 <= limit <= _MOST:
            raise BadParameter("limit", limit, f"0 to {_MOST}")

        def claim() -> object:
            holder = self.caller.me.user_id or self.caller.me.name
            return processing.claim(self.instance, names, holder=holder, limit=limit)

        self.send(await self.instance.store.offload(claim))


class SessionFile(Handler):
    """A transcript's bytes, as they were uploaded."""

    rights: ClassVar[Mapping[str, Right]] = {"GET": SERVICE}

    async def get(self) -> None:
        key = self.query(("session_file",)).get("session_file", "")
        store = self.instance.store
        rows = await store.offload(store.rows, file, Text(key))
        if not rows:
            raise NotFound(f"session_file={key} was never uploaded")
        source = await store.offload(self._open, Target(key, rows[0]["parent"]))
        self.set_header("Content-Type", "application/x-ndjson")
        try:
            while piece := await store.offload(os.read, source, _PIECE):
                self.write(piece)
                await self.flush()
        finally:
            os.close(source)
        self.finish()

    def _open(self, target: Target) -> int:
        root = self.instance.settings.folder / FOLDER
        try:
            with entered(root, target.folders) as folder:
                return os.open(target.filename, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=folder)
        except OSError as error:
            raise NotFound(
                f"{target.session_file} is not in its place: {error.strerror}",
                detail="Upload it again, or restore the folder of transcripts from a backup.",
            ) from None


@stream_request_body
class Commit(Handler):
    """Finished sessions as an Arrow stream → what became of each."""

    rights: ClassVar[Mapping[str, Right]] = {"POST": SERVICE}
    takes: ClassVar[Mapping[str, str]] = {"POST": "application/vnd.apache.arrow.stream"}

    async def prepare(self) -> None:
        self._body: list[bytes] = []
        self._size = 0
        self._refusal: Exception | None = None
        try:
            await super().prepare()
        except (AgnesError, HTTPError) as error:
            if self.request.method != "POST":
                raise
            self._refusal = error  # told once the body has come: who is sending does not listen
        else:
            cast(HTTP1Connection, self.request.connection).set_max_body_size(_LIMIT)

    def data_received(self, chunk: bytes) -> None:
        self._size += len(chunk)
        if self._refusal is None and self._size <= _LIMIT:
            self._body.append(chunk)

    async def post(self) -> None:
        if self._refusal is not None:
            raise self._refusal
        if self._size > _LIMIT:
            raise TooLarge(f"a commit may have {_LIMIT >> 20} MB", detail="Commit fewer sessions.")
        self.query(())
        finished = await self.instance.store.offload(unpack, b"".join(self._body))
        receipts = await processing.take_back(self.instance, finished)
        self.send({"rows": [asdict(receipt) for receipt in receipts]})


class Rollups(Handler):
    """`{days?}` → the figures of the named days, or of all that were marked, made anew."""

    rights: ClassVar[Mapping[str, Right]] = {"POST": SERVICE}

    async def post(self) -> None:
        self.query(())
        named = self.body({"days": list}).get("days")
        days = None if named is None else [_day(text) for text in named]
        self.send(await processing.roll_up(self.instance, days))


class Prune(Handler):
    """Delete what is older than the retention settings allow."""

    rights: ClassVar[Mapping[str, Right]] = {"POST": SERVICE}

    async def post(self) -> None:
        self.query(())
        self.body({})
        self.send(await retention.prune(self.instance, self.caller))


class PruneUsage(Handler):
    """`/api/admin/telemetry/prune`: the usage events alone."""

    rights: ClassVar[Mapping[str, Right]] = {"POST": SERVICE}
    actions: ClassVar[Mapping[str, str]] = {"POST": "usage.prune"}

    async def post(self) -> None:
        self.query(())
        self.body({})
        self.send(await retention.prune_usage(self.instance, self.caller))


def _day(text: object) -> date:
    try:
        return date.fromisoformat(str(text))
    except ValueError:
        raise BadParameter("days", text, "days as 2026-11-22") from None


ROUTES = [
    (r"/api/jobs/pending", Pending),
    (r"/api/jobs/files", SessionFile),
    (r"/api/jobs/commit", Commit),
    (r"/api/jobs/rollups", Rollups),
    (r"/api/jobs/prune", Prune),
    (r"/api/admin/telemetry/prune", PruneUsage),
]
