"""Syncing: whose turn it is, and the way of an attempt from its source to what is published.

One object a server. SPEC sections 3, 17 and 18.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from console.audit import Caller
from console.syncing.drift import Drift
from schema.errors import Conflict

if TYPE_CHECKING:
    from console.instance import Instance


class InProgress(Conflict):
    """A sync is running already."""

    title = "In progress"


@dataclass(frozen=True)
class Attempt:
    """One attempt to sync one table. `id`: its row of `sync_history`; `status`: ok, error or
    unchanged; `rows`: those that it brought."""

    id: str
    table_id: str
    status: str
    rows: int
    duration_ms: int
    error: str | None
    drift: Drift


class Syncs:
    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self.running = False

    async def sync(
        self, caller: Caller, ids: Sequence[str] | None, *, trigger: str
    ) -> list[Attempt]:
        """Sync these tables one after the other; None: every one that syncs. `trigger` says in the
        log what started it: schedule, api, page or cli. Raises InProgress, NotFound, BadRequest
        for a table that does not sync."""
        raise NotImplementedError

    def due(self, at: datetime) -> list[str]:
        """The tables whose schedule says that they are due at `at` (naive UTC). Blocks."""
        raise NotImplementedError

    def close(self) -> None:
        """End the attempt that runs."""
