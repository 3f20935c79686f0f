"""The health pulse above the log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from console.pages import shell
from console.pages.activity.reading import Reading
from console.pulse import viewed

# Field -> its name, and what it measures.
_FIELDS = {
    "scheduler": ("scheduler", "When the scheduler last did something"),
    "sync_24h": ("syncs", "Table syncs of the last 24 hours"),
    "active_users_today": ("people today", "People who did something since midnight UTC"),
    "memory_pipeline": ("processing", "When a processor last read sessions"),
    "session_ingest": ("ingest", "Sessions uploaded in the last 24 hours, and processed of these"),
    "audit_writes": ("audit", "Whether every row of this log could be written"),
    "storage": ("disk", "Free space where the data is kept"),
    "diagnose_warnings": ("warnings", "What `agnes doctor` has found"),
}
_STATES = {"green": "well", "yellow": "needs a look", "red": "needs help"}


@dataclass(frozen=True)
class Field:
    name: str
    title: str
    value: str
    color: str
    state: str
    url: str | None


def read(reading: Reading) -> dict[str, Any] | None:
    """The pulse; None on one's own page and for those who may not see it."""
    if reading.own:
        return None
    health = shell.health(reading.reader.instance, reading.reader.principal)
    if health is None:
        return None
    viewed(reading.reader.instance, reading.reader.principal, health)
    return {**health, "fields": [_field(found) for found in health["fields"]]}


def _field(found: dict[str, Any]) -> Field:
    key = found["key"]
    name, title = _FIELDS.get(key, (key, key))
    state = _STATES.get(found["color"], found["color"])
    wanted = found["click_filter"]
    return Field(
        name, title, found["value"], found["color"], state, f"?{wanted}" if wanted else None
    )
