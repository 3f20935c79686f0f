"""One row of the log as it is stored, for an admin who says why. SPEC section 8.

Whoever looks behind the mask stands in the log first: without that row nothing is shown.
"""

from __future__ import annotations

from console.activity import Reader, Row, raw
from console.audit import Caller
from console.changes.record import recorded
from ingest.redact import redact
from schema.errors import BadParameter

SHORTEST, LONGEST = 3, 500  # characters of a reason


async def reveal(reader: Reader, caller: Caller, id: str, reason: str) -> Row:
    """The row with the names of its people, unmasked; secrets were never stored. Raises
    BadParameter for a reason that is none, NotFound."""
    reason = reason.strip()
    if not SHORTEST <= len(reason) <= LONGEST:
        raise BadParameter("reason", reason, f"say why, in {SHORTEST} to {LONGEST} characters")
    store = reader.instance.store
    row = await store.offload(raw, reader, id)
    params = {"id": row["id"], "action": row["action"], "reason": redact(reason)}
    await store.awrite(
        recorded(caller, "audit.reveal_raw", resource=f"event:{row['id']}", params=params)
    )
    return await store.offload(reader.named, row)
