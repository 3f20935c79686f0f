"""What one person did, as an admin reads it: the part of the audit log that is theirs, and the row
that says that it was read. The one place for page and API."""

from __future__ import annotations

from collections.abc import Mapping

from console.audit import Caller, cut, entry
from console.instance import Instance

READ = "admin.user_activity_read"


def resource(user_id: str) -> str:
    return f"user:{cut(user_id, 80)}"


async def was_read(
    instance: Instance, caller: Caller, user_id: str, wanted: Mapping[str, str]
) -> None:
    """Write it, once a minute for the same question."""
    about = resource(user_id)
    key = (caller.me.reader, about, tuple(sorted(wanted.items())))
    if not instance.recent_reads.first(*key):
        return
    if not await instance.record(entry(caller, READ, resource=about, params=dict(wanted))):
        instance.recent_reads.forget(*key)
