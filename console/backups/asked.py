"""A backup of the running console, as somebody asked for it or the schedule did."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from console.audit import Caller, entry
from console.backups import shelf, taking
from schema.errors import Conflict

if TYPE_CHECKING:
    from console.instance import Instance


async def create(instance: Instance, caller: Caller, *, keep: int | None = None) -> dict[str, Any]:
    """Take one, write it down, and delete the oldest beyond those that are kept (`keep`, else
    AGNES_BACKUPS_KEPT): `{name, made_at, bytes, files, rows, tables, seconds, moved, missing,
    strange, folder, removed}`. Raises Conflict while another is taken, and what `taking.take`
    raises."""
    if instance.backing_up:
        raise Conflict("a backup is being taken already", detail="Ask again when it is done.")
    instance.backing_up = True
    try:
        return await _create(instance, caller, keep or instance.settings.backups_kept)
    finally:
        instance.backing_up = False


async def _create(instance: Instance, caller: Caller, keep: int) -> dict[str, Any]:
    place = shelf.folder(instance.settings)
    # A thread of its own: it would hold one of the readers for as long as it takes.
    taken = await asyncio.to_thread(taking.take, instance.store, instance.settings.folder, place)
    removed = [one.name for one in await asyncio.to_thread(shelf.backups, place)][keep:]
    params = {
        **{name: getattr(taken, name) for name in ("bytes", "files", "moved")},
        "name": taken.path.name,
        "rows": sum(taken.rows.values()),
        "missing": len(taken.missing) or None,
        "strange": len(taken.strange) or None,
        "removed": removed or None,
    }
    row = entry(caller, "backup.create", resource=f"backup:{taken.path.name}", params=params)
    try:
        await instance.store.awrite(row)
    except BaseException:
        taken.path.unlink(missing_ok=True)
        raise
    await asyncio.to_thread(shelf.thin, place, keep)
    return {**taken.as_dict(), "folder": str(place), "removed": removed}
