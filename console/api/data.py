"""`GET /api/data/<table>/download`: a synced table as its Parquet file, whole or from where an
earlier try broke off. SPEC section 18; ranges and conditions as RFC 9110 has them.

The file is opened once: it is read to its end also when newer versions push it out meanwhile.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from datetime import UTC
from email.utils import format_datetime
from typing import Any, BinaryIO, ClassVar

from tornado.iostream import StreamClosedError

from console.audit import cut, entry
from console.handler import Handler
from console.identity.rights import SIGNED_IN, Right
from console.syncing.published import Published
from console.tables import synced
from console.tables.offered import Unreadable
from schema.errors import AgnesError, BadRequest

PARQUET = "application/vnd.apache.parquet"
_PIECE = 256 << 10  # bytes that are read and sent at once
_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})\Z")


class BeyondEnd(BadRequest):
    """A range that begins behind the end of the file."""

    status = 416
    title = "Range not satisfiable"

    def __init__(self, range: str, size: int) -> None:
        super().__init__(
            f"the range {cut(range, 80)} lies outside of the file's {size} bytes",
            detail="The file may have changed: ask for its whole, or with If-Range.",
        )
        self.size = size


class Download(Handler):
    rights: ClassVar[Mapping[str, Right]] = {"GET": SIGNED_IN}
    actions: ClassVar[Mapping[str, str]] = {"GET": "data.download"}

    async def prepare(self) -> None:
        self.about = f"table:{cut(self.path_args[0], 64)}"
        await super().prepare()

    def compute_etag(self) -> None:
        """It is the file's own, whatever part of it is sent."""

    async def head(self, table: str) -> None:
        self.query(())
        work = synced.file
        found = await self.instance.store.offload(work, self.instance.store, self.caller.me, table)
        self._describe(found)
        self.set_header("Content-Length", str(found.bytes))
        self.finish()

    async def get(self, table: str) -> None:
        self.query(())
        store = self.instance.store
        found, file = await store.offload(_opened, store, self.caller.me, table)
        with file:
            self.about = f"table:{found.table_id}"
            etag, at = self._describe(found)
            if self.check_etag_header():
                self.set_status(304)
                self.finish()
                return
            part = self._part(found.bytes, etag, at)
            first, last = part or (0, found.bytes)
            self.set_header("Content-Length", str(last - first))
            params = {
                "id": found.table_id,
                "version": found.id,
                "rows": found.rows,
                "bytes": last - first,
                "from": first or None,
            }
            row = entry(self.caller, "data.download", resource=self.about, params=params)
            await self.instance.record(row)
            file.seek(first)
            await self._send(file, last - first)

    def _describe(self, found: Published) -> tuple[str, str]:
        """Say what the file is; its ETag and the time of its last change."""
        etag = f'"{found.sha256}"'
        at = format_datetime(found.synced_at.replace(tzinfo=UTC, microsecond=0), usegmt=True)
        name = re.sub(r"[^A-Za-z0-9._-]", "_", found.table_id)
        for header, text in {
            "ETag": etag,
            "Last-Modified": at,
            "Accept-Ranges": "bytes",
            "Content-Type": PARQUET,
            "Content-Disposition": f'attachment; filename="{name}.parquet"',
            "X-Row-Count": str(found.rows),
        }.items():
            self.set_header(header, text)
        return etag, at

    def _part(self, size: int, *same: str) -> tuple[int, int] | None:
        """The part that is asked for, if the file is the one that `If-Range` means. Raises
        BeyondEnd."""
        if self.request.headers.get("If-Range", "").strip() not in ("", *same):
            return None
        part = part_of(self.request.headers.get("Range", ""), size)
        if part is not None:
            self.set_status(206)
            self.set_header("Content-Range", f"bytes {part[0]}-{part[1] - 1}/{size}")
        return part

    async def _send(self, file: BinaryIO, left: int) -> None:
        try:
            while left:
                piece = await self.instance.store.offload(file.read, min(_PIECE, left))
                if not piece:
                    raise Unreadable("the file ended too early")
                left -= len(piece)
                self.write(piece)
                await self.flush()
        except StreamClosedError:
            return  # the client left
        self.finish()

    def show_error(self, error: AgnesError) -> None:
        if isinstance(error, BeyondEnd):
            self.set_header("Content-Range", f"bytes */{error.size}")
        super().show_error(error)


def part_of(range: str, size: int) -> tuple[int, int] | None:
    """The bytes that a `Range` means, the last one not included. None for none, for several and for
    what is no range: the whole is sent then. Raises BeyondEnd."""
    found = _RANGE.match(range.strip().lower())
    if found is None or found[0] == "bytes=-":
        return None
    first, last = found[1], found[2]
    if not first:
        begin, end = max(0, size - int(last)), size
    else:
        begin = int(first)
        end = size if not last else min(int(last) + 1, size)
        if last and int(last) < begin:
            return None
    if begin >= size or begin >= end:
        raise BeyondEnd(range, size)
    return begin, end


def _opened(store: Any, me: Any, table: str) -> tuple[Published, BinaryIO]:
    """The newest version, open. Two newer ones may have pushed it out between look and open."""
    for _ in range(3):
        found = synced.file(store, me, table)
        try:
            file = found.path.open("rb")
        except OSError:
            continue
        if os.fstat(file.fileno()).st_size == found.bytes:
            return found, file
        file.close()
    raise Unreadable(
        f"the file of {found.table_id} is gone or broken", detail="An admin can sync it anew."
    )


ROUTES = [(r"/api/data/([^/]+)/download", Download)]
