"""Is there work? Asked at each beat of a job, so that no kernel starts for nothing.

An ask costs milliseconds and reads no file. Rooms that own the work put theirs into `ASKS` by the
name that `schedule.toml` uses.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeAlias

from console.audit import now
from console.jobs.schedule import Job
from console.queries.jobs import days_to_roll_up

if TYPE_CHECKING:
    from console.instance import Instance

Ask: TypeAlias = "Callable[[Instance], Awaitable[int]]"


async def process_sessions(instance: Instance) -> int:
    """Sessions that some processor has not read as they are now."""
    return await _due(instance, "usage", "failure_scan")


async def failure_scan(instance: Instance) -> int:
    """Sessions whose verdict is due, those that were open among them."""
    return await _due(instance, "failure_scan")


async def _due(instance: Instance, *processors: str) -> int:
    from console.processing import waiting  # knows the instance, which knows this room

    return await instance.store.offload(waiting, instance, processors)


async def rollups(instance: Instance) -> int:
    """Days whose figures are to be made anew."""
    (found,) = await instance.store.offload(instance.store.rows, days_to_roll_up)
    moved_on = instance.windows_of != now().date()  # the last 7 and 30 days move by themselves
    return int(found["waiting"]) + moved_on


async def sync_tables(instance: Instance) -> int:
    """Registered tables whose schedule says that they are due; none while a sync runs."""
    if instance.syncs.running:
        return 0
    return len(await instance.store.offload(instance.syncs.due, now()))


async def backup(instance: Instance) -> int:
    """One a day, where there is a folder for them."""
    return int(bool(instance.settings.backup_dir))


ASKS: dict[str, Ask] = {
    "process_sessions": process_sessions,
    "failure_scan": failure_scan,
    "rollups": rollups,
    "sync_tables": sync_tables,
    "backup": backup,
}


async def pending(instance: Instance, job: Job) -> int | None:
    """How much work waits for `job`; None for a job that cannot tell, which always runs."""
    ask = ASKS.get(job.asks or "")
    return None if ask is None else await ask(instance)
