"""`/admin/health`: how the server is doing: what is wrong and how to mend it, what it holds, what
waits, what is slow. Reads what `/api/admin/server` answers; its button takes a backup."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, ClassVar

from console import pulse
from console.audit import Caller, now
from console.backups import asked, shelf
from console.doctor import OK
from console.health.facts import facts
from console.identity.rights import ADMIN, Right
from console.instance import Instance
from console.pages import visits
from console.pages.act import Act
from console.pages.parts import Part, PartsPage
from schema.errors import BadRequest

Row = dict[str, Any]
READ = "activity.read"
PATH = "/admin/health"
BEAT = 10_000  # milliseconds between two looks
MOST_MEMORY = 600 << 20  # bytes that the server may have after its load, SPEC section 21
SHOWN = 5  # backups
_WIDE, _HIGH = 240, 40  # of the curve, in its own units


@dataclass(frozen=True)
class HealthState:
    """Nothing can be chosen here."""

    given: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, query: str) -> HealthState:
        visits.asked(query, ())
        return cls()


@dataclass(frozen=True)
class Reading:
    instance: Instance
    caller: Caller
    at: datetime
    state: HealthState = field(default_factory=HealthState)
    facts: Row = field(default_factory=dict)
    backups: Row = field(default_factory=dict)
    pulse: Row = field(default_factory=dict)
    beat: bool = False

    @property
    def wrong(self) -> list[Row]:
        """Checks that found something, the worst first."""
        bad = [check for check in self.facts["checks"] if check["level"] != OK]
        return sorted(bad, key=lambda check: check["level"] != "severe")

    @property
    def well(self) -> list[Row]:
        return [check for check in self.facts["checks"] if check["level"] == OK]

    @property
    def too_large(self) -> bool:
        return bool(self.facts["memory"]["now"] > MOST_MEMORY)

    @property
    def curve(self) -> str:
        """Memory over time as the points of a line: from 0, so that flat looks flat."""
        samples = self.facts["memory"]["samples"]
        first, last = samples[0]["at"], samples[-1]["at"]
        span = (last - first).total_seconds() or 1.0
        highest = self.facts["memory"]["highest"] * 1.1
        return " ".join(
            f"{_WIDE * (one['at'] - first).total_seconds() / span:.1f},"
            f"{_HIGH * (1 - one['bytes'] / highest):.1f}"
            for one in samples
        )


def _same(reading: Reading) -> Reading:
    return reading


class HealthPage(PartsPage[Reading]):
    path = PATH
    title = "Health"
    about = "what this server holds, what waits for it, what is slow"
    section: str | None = "Server"
    shortcut = "g h"
    right = ADMIN
    template = "health.html"
    folder = "health"
    parts = tuple(
        Part[Reading](name, _same, beats=True)
        for name in ("pulse", "checks", "cards", "busy", "storage", "slow", "versions")
    )
    styles: Sequence[str] = ("health/health.css",)

    def begun(self, instance: Instance, caller: Caller, *, beat: bool) -> Reading:
        return Reading(instance, caller, now(), beat=beat)

    def stated(self, reading: Reading, query: str) -> Reading:
        return replace(reading, state=HealthState.of(query))

    async def filtered(self, reading: Reading) -> Reading:
        return await reading.instance.store.offload(_read, reading)

    def noted(self, reading: Reading) -> Sequence[Awaitable[Any]]:
        return (reading.instance.was_read(reading.caller, READ, {"endpoint": "server"}),)


def _read(reading: Reading) -> Reading:
    instance = reading.instance
    place = shelf.folder(instance.settings)
    found = shelf.backups(place)
    backups = {
        "rows": found[:SHOWN],
        "total": len(found),
        "bytes": sum(one.bytes for one in found),
        "folder": str(place),
        "kept": instance.settings.backups_kept,
        "scheduled": bool(instance.settings.backup_dir),
        "going": instance.backing_up,
    }
    found_here = facts(instance, reading.at)
    return replace(reading, facts=found_here, backups=backups, pulse=pulse.cached(instance))


class HealthActs(Act):
    """`do=backup`."""

    rights: ClassVar[Mapping[str, Right]] = {"POST": ADMIN}
    actions: ClassVar[Mapping[str, str]] = {"POST": "backup.create"}

    async def post(self) -> None:
        given = [value for name, value in self.request.body_arguments.items() if name == "do"]
        if given != [[b"backup"]]:
            raise BadRequest("the form asks for nothing", detail="Give do=backup.")
        taken = await asked.create(self.instance, self.caller)
        size = taken["bytes"] / 1e6
        text = f"{taken['name']}: {taken['rows']:,} rows, {taken['files']:,} files, {size:,.1f} MB."
        if self.is_live:
            self.answer(self.said(text))
        else:
            self.lead(PATH)


ROUTES = [(rf"{PATH}/act", HealthActs)]
