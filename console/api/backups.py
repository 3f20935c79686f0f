"""`/api/admin/backups`: those there are, taking one, fetching one; `/api/jobs/backup`: the daily
one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from console.audit import entry
from console.backups import asked, shelf
from console.handler import Handler, integer
from console.identity.rights import ADMIN, SERVICE, Right

MOST_KEPT = 1000
_PIECE = 1 << 20


class Backups(Handler):
    """GET: newest first. POST `{keep?}`: take one; answers when it stands on the disk."""

    actions: ClassVar[Mapping[str, str]] = {"POST": "backup.create"}

    async def get(self) -> None:
        given = self.query(("limit", "offset"))
        limit = integer(given, "limit", 50, 1, 1000)
        offset = integer(given, "offset", 0, 0, 10**9)
        place = shelf.folder(self.instance.settings)
        found = await self.instance.store.offload(shelf.backups, place)
        after = offset + limit
        self.send(
            {
                "rows": [one.as_dict() for one in found[offset:after]],
                "total": len(found),
                "limit": limit,
                "offset": offset,
                "next_offset": after if after < len(found) else None,
                "folder": str(place),
                "kept": self.instance.settings.backups_kept,
                "scheduled": bool(self.instance.settings.backup_dir),
            }
        )

    async def post(self) -> None:
        self.query(())
        keep = self.body({"keep": int}).get("keep")
        if keep is not None:
            keep = integer({"keep": str(keep)}, "keep", 0, 1, MOST_KEPT)
        self.send(await asked.create(self.instance, self.caller, keep=keep), 201)


class One(Handler):
    """The file itself. It holds what may sign in as anybody: each fetch is written down."""

    rights: ClassVar[Mapping[str, Right]] = {"GET": ADMIN}
    actions: ClassVar[Mapping[str, str]] = {"GET": "backup.download"}

    async def get(self, name: str) -> None:
        self.query(())
        store = self.instance.store
        path = await store.offload(shelf.path_of, shelf.folder(self.instance.settings), name)
        with path.open("rb") as file:
            size = path.stat().st_size
            params = {"name": name, "bytes": size}
            row = entry(self.caller, "backup.download", resource=f"backup:{name}", params=params)
            await store.awrite(row)
            self.set_header("Content-Type", "application/x-tar")
            self.set_header("Content-Disposition", f'attachment; filename="{name}"')
            self.set_header("Content-Length", str(size))
            while piece := await store.offload(file.read, _PIECE):
                self.write(piece)
                await self.flush()
        self.finish()


class Daily(Handler):
    """What the notebook of that name asks for: `{status: skipped, reason}`, or a backup."""

    rights: ClassVar[Mapping[str, Right]] = {"POST": SERVICE}
    actions: ClassVar[Mapping[str, str]] = {"POST": "backup.create"}

    async def post(self) -> None:
        self.query(())
        self.body({})
        answer: dict[str, Any] = {"status": "skipped", "reason": "AGNES_BACKUP_DIR names no folder"}
        if self.instance.settings.backup_dir:
            answer = {"status": "ok", **await asked.create(self.instance, self.caller)}
        self.send(answer)


ROUTES = [
    (r"/api/admin/backups", Backups),
    (r"/api/admin/backups/([^/]+)", One),
    (r"/api/jobs/backup", Daily),
]
