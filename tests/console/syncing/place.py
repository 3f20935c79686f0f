"""A store, a folder of sources and the syncs over them, without a server. Attempts run in this
process unless a test wants the real one, which takes a second to start."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import pyarrow.parquet as pq
import pytest

from console.audit import Caller
from console.changes.rollback import rollback
from console.posthog import PostHog
from console.settings import Settings
from console.syncing import child
from console.syncing.failed import Deadline, Failed
from console.syncing.process import Attempted
from console.syncing.published import published
from console.syncing.sources import Order
from console.syncing.syncs import Attempt, Syncs
from console.tables import registered
from schema.policy import Principal
from schema.store import Store
from schema.table import Table, rows_of
from schema.tables import AUDIT_LOG, SYNC_HISTORY

ADMIN = Caller(Principal("u-admin", is_admin=True), client_kind="cli")


@dataclass
class Held:
    settings: Any
    store: Store
    posthog: PostHog = field(default_factory=lambda: PostHog(Settings({})))


class Place:
    def __init__(self, folder: Path, **given: str) -> None:
        self.folder = folder
        self.files = folder / "tables"
        self.files.mkdir(parents=True, exist_ok=True)
        self.settings = Settings({}, AGNES_DATA_DIR=str(folder), **given)
        self.store = Store(self.settings.database, threads=1)
        self.syncs = Syncs(Held(self.settings, self.store))

    def close(self) -> None:
        self.syncs.close()
        self.store.close()

    def write(self, name: str, text: str | bytes) -> Path:
        path = self.files / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def register(self, name: str = "one", **given: Any) -> str:
        wanted = {"source_type": "files", "name": name, **given}
        step = registered.register(ADMIN, wanted, None, self.settings)
        return str(self.store.write(step).result()["id"])

    def change(self, id: str, **given: Any) -> None:
        self.store.write(registered.change(ADMIN, id, given, None, self.settings)).result()

    def remove(self, id: str) -> None:
        self.store.write(registered.remove(ADMIN, id)).result()

    def undo(self, action: str) -> None:
        """Roll back the newest event of this action."""
        event = [row["id"] for row in self.log() if row["action"] == action][-1]
        self.store.write(rollback(ADMIN, event)).result()

    def sync(self, *ids: str) -> list[Attempt]:
        return asyncio.run(self.syncs.sync(ADMIN, ids or None, trigger="cli"))

    def one(self, id: str = "one") -> Attempt:
        (attempt,) = self.sync(id)
        return attempt

    def rows(self, id: str = "one") -> list[dict[str, Any]]:
        """What is published."""
        found: list[dict[str, Any]] = pq.read_table(published(self.store)[id].path).to_pylist()
        return found

    def columns(self, id: str = "one") -> dict[str, str]:
        return {one.name: one.type for one in published(self.store)[id].columns}

    def table(self, table: Table) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.store.read(rows_of(table).order_by("id")).to_pylist()
        return found

    def history(self) -> list[dict[str, Any]]:
        return self.table(SYNC_HISTORY)

    def log(self) -> list[dict[str, Any]]:
        return self.table(AUDIT_LOG)

    def parquets(self) -> list[Path]:
        return sorted(self.folder.glob("agnes.synced/*/*.parquet"))


def in_this_process(patch: pytest.MonkeyPatch) -> None:
    """Attempts do what their process would, without its start and its limits."""

    async def run(self: Attempted, order: Mapping[str, Any], *, seconds: float) -> dict[str, Any]:
        told = orjson.loads(orjson.dumps(order))
        deadline = Deadline(seconds)
        try:
            answer = child.attempt(Order.of(told), deadline)
        finally:
            deadline.off()
        found: dict[str, Any] = orjson.loads(orjson.dumps(answer))
        return found

    patch.setattr(Attempted, "run", run)


def in_order(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Rows whatever their order."""
    return sorted(str(sorted(row.items())) for row in rows)


__all__ = ["ADMIN", "Failed", "Place", "in_order", "in_this_process"]
