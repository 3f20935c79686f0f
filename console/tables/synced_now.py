"""Syncing at somebody's wish: the one place for the API's trigger and the page's button. What was
asked stands in the log as `sync.trigger`, each table as a `sync.table` of its own."""

from __future__ import annotations

from collections.abc import Sequence

from console.audit import Caller, cut, entry
from console.instance import Instance
from console.syncing.syncs import Attempt

_BY = {"scheduler": "schedule", "web": "page", "cli": "cli"}


async def sync_now(instance: Instance, caller: Caller, ids: Sequence[str] | None) -> list[Attempt]:
    """These tables one after the other, or all that sync. Raises what `Syncs.sync` raises; a table
    that fails is an attempt that says so."""
    by = _BY.get(caller.client_kind or "", "api")
    found = [] if ids == [] else await instance.syncs.sync(caller, ids, trigger=by)
    params = {
        "tables": None if ids is None else [cut(id, 64) for id in ids],
        "sync_ids": [one.id for one in found],
        "failed": sum(1 for one in found if one.status == "error"),
        "trigger": by,
    }
    await instance.record(entry(caller, "sync.trigger", params=params))
    return found
