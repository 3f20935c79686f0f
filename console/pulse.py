"""The health pulse: is the instance healthy, in one sentence and eight fields. SPEC section 6.

It only reads. The status is the worst colour; a field with nothing to do yet is green.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from console import doctor
from console.audit import now
from console.doctor.here import patient
from console.instance import Instance
from console.queries import pulse as questions
from schema.bind import At
from schema.policy import Principal

GREEN, YELLOW, RED = COLOURS = ("green", "yellow", "red")
NOTHING = "nothing yet"
CACHED_SECONDS = 30
TICK_YELLOW, TICK_RED = 1800, 7200  # seconds
SYNC_YELLOW = 0.90  # share of good syncs below which it is red
BACKLOG = 100  # waiting writes; fewer are the ordinary work of a moment
DISK_YELLOW, DISK_RED = 0.20, 0.05  # share of the disk that is free


@dataclass(frozen=True)
class Field:
    """One measure. `wrong` says in words what is wrong when it is not green."""

    key: str
    value: str
    raw: Any
    color: str
    click_filter: str | None = None
    wrong: str = ""

    def as_dict(self) -> dict[str, Any]:
        return {
            "key": self.key,
            "value": self.value,
            "raw": self.raw,
            "color": self.color,
            "click_filter": self.click_filter,
        }


@dataclass(frozen=True)
class Moment:
    """The instance at one time; a test freezes it."""

    instance: Instance
    at: datetime
    _asked: dict[Any, list[dict[str, Any]]] = field(default_factory=dict)

    def ask(self, question: Any, *moments: datetime) -> dict[str, Any]:
        return self.all(question, *moments)[0]

    def all(self, question: Any, *moments: datetime) -> list[dict[str, Any]]:
        """Rows of a question about these moments; asked once, however many fields need them."""
        key = (question, moments)
        if key not in self._asked:
            asked = tuple(At(moment) for moment in moments)
            self._asked[key] = self.instance.store.rows(question, *asked)
        return self._asked[key]

    def ago(self, **span: float) -> datetime:
        return self.at - timedelta(**span)


def scheduler(here: Moment) -> Field:
    link = "source=scheduler"
    # The last two hours decide the colour and cost little; older ticks are looked for only without
    # one.
    found = here.ask(questions.last_tick, here.ago(seconds=TICK_RED))["at"]
    found = found or here.ask(questions.last_tick_ever)["at"]
    if found is None:
        up = (here.at - here.instance.started_at).total_seconds()
        if up < TICK_YELLOW:
            return Field("scheduler", NOTHING, None, GREEN, link)
        return Field("scheduler", "never", None, YELLOW, link, "the scheduler has never run")
    seconds = max(0, int((here.at - found).total_seconds()))
    color = GREEN if seconds <= TICK_YELLOW else YELLOW if seconds <= TICK_RED else RED
    value = ago(seconds)
    return Field("scheduler", value, seconds, color, link, f"the last scheduler tick was {value}")


def sync_24h(here: Moment) -> Field:
    tables = here.all(questions.syncs_since, here.ago(hours=24))
    ok, failed = sum(row["ok"] for row in tables), sum(row["failed"] for row in tables)
    raw = {"ok": ok, "fail": failed}
    link = "action_prefix=sync."
    if ok + failed == 0:
        if not here.ask(questions.scheduled_tables)["scheduled"]:
            return Field("sync_24h", NOTHING, raw, GREEN, link)
        return Field("sync_24h", "none", raw, YELLOW, link, "no table was synced in 24h")
    value = f"{ok} ok / {failed} fail"
    if failed == 0:
        return Field("sync_24h", value, raw, GREEN, link)
    color = YELLOW if ok / (ok + failed) >= SYNC_YELLOW else RED
    worst = [row for row in tables if row["failed"]]
    if len(worst) == 1:
        one = worst[0]
        tries = one["ok"] + one["failed"]
        wrong = f"the sync of {one['table_id']} failed {one['failed']} of {tries} times"
    else:
        wrong = f"{failed} of {ok + failed} syncs failed, in {len(worst)} tables"
    return Field("sync_24h", value, raw, color, f"{link}&result_class=error", wrong)


def active_users_today(here: Moment) -> Field:
    midnight = here.at.replace(hour=0, minute=0, second=0, microsecond=0)
    people = here.ask(questions.people_since, midnight)["people"]
    return Field("active_users_today", str(people), people, GREEN, f"since={midnight.isoformat()}Z")


def memory_pipeline(here: Moment) -> Field:
    link = "action_prefix=run_"
    found = here.ask(questions.processing)
    if not here.ask(questions.ingest, here.ago(hours=24), here.ago(hours=1))["ever"]:
        return Field("memory_pipeline", NOTHING, None, GREEN, link)
    if found["at"] is None:
        return Field(
            "memory_pipeline", "never", None, YELLOW, link, "no processor has ever finished"
        )
    seconds = max(0, int((here.at - found["at"]).total_seconds()))
    value = ago(seconds)
    color = GREEN if seconds <= 3600 else YELLOW
    return Field(
        "memory_pipeline", value, seconds, color, link, f"a processor last finished {value}"
    )


def session_ingest(here: Moment) -> Field:
    link = "action_prefix=session.upload"
    found = here.ask(questions.ingest, here.ago(hours=24), here.ago(hours=1))
    if not found["ever"]:
        return Field("session_ingest", NOTHING, 0, GREEN, link)
    value = f"{found['processed']} of {found['uploaded']}"
    if found["failed"]:
        wrong = f"{found['failed']} uploaded sessions cannot be processed"
        return Field("session_ingest", value, found["failed"], RED, link, wrong)
    color = YELLOW if found["late"] else GREEN
    wrong = f"{found['late']} uploaded sessions wait for more than an hour"
    return Field("session_ingest", value, found["late"], color, link, wrong)


def audit_writes(here: Moment) -> Field:
    lost = here.instance.lost_writes.since(here.ago(hours=24))
    waiting = here.instance.store.waiting
    raw = {"failed": lost, "waiting": waiting}
    if lost:
        wrong = f"{lost} audit rows could not be written in 24h"
        return Field("audit_writes", f"{lost} failed", raw, RED, None, wrong)
    if waiting > BACKLOG:
        return Field(
            "audit_writes", f"{waiting} waiting", raw, YELLOW, None, f"{waiting} writes are waiting"
        )
    return Field("audit_writes", "all written", raw, GREEN)


def storage(here: Moment) -> Field:
    usage = shutil.disk_usage(here.instance.settings.folder)
    share = usage.free / usage.total
    color = GREEN if share > DISK_YELLOW else YELLOW if share > DISK_RED else RED
    value = f"{share:.0%} free"
    return Field("storage", value, round(share, 4), color, None, f"only {value} on the disk")


def diagnose_warnings(here: Moment) -> Field:
    found_here = doctor.examine(patient(here.instance, lambda: here.at))
    bad = [found for found in found_here if found.level != "ok"]
    severe = any(found.level == "severe" for found in bad)
    color = RED if severe else YELLOW if bad else GREEN
    wrong = "; ".join(found.message for found in bad)
    return Field("diagnose_warnings", str(len(bad)), len(bad), color, None, wrong)


FIELDS: tuple[Callable[[Moment], Field], ...] = (
    scheduler,
    sync_24h,
    active_users_today,
    memory_pipeline,
    session_ingest,
    audit_writes,
    storage,
    diagnose_warnings,
)


def compute(instance: Instance, at: datetime | None = None) -> dict[str, Any]:
    """The pulse as of `at` (default now): `status`, `fields`, `sentence`, and the sentence's
    `parts`, each with the filter it links to. Blocks for some milliseconds."""
    here = Moment(instance, at or now())
    fields = [measure(here) for measure in FIELDS]
    status = max((found.color for found in fields), key=COLOURS.index)
    parts = [
        {"text": found.wrong, "click_filter": found.click_filter, "color": found.color}
        for found in sorted(fields, key=lambda found: -COLOURS.index(found.color))
        if found.color != GREEN
    ]
    return {
        "status": status,
        "fields": [found.as_dict() for found in fields],
        "sentence": _sentence({found.key: found for found in fields}, parts),
        "parts": parts,
    }


def cached(instance: Instance) -> dict[str, Any]:
    """`compute`, at most every 30 s, whoever asks."""
    kept = instance.pulse
    if kept is None or time.monotonic() - kept[0] > CACHED_SECONDS:
        kept = instance.pulse = (time.monotonic(), compute(instance))
    return kept[1]


def viewed(instance: Instance, me: Principal, found: Mapping[str, Any]) -> None:
    """PostHog hears that somebody has looked at the pulse, and its colour."""
    instance.posthog.once("activity_health_viewed", me.reader, status=found.get("status"))


def ago(seconds: int) -> str:
    for unit, size in (("d", 86_400), ("h", 3600), ("m", 60)):
        if seconds >= size:
            return f"{seconds // size}{unit} ago"
    return f"{seconds}s ago"


def _sentence(fields: dict[str, Field], parts: list[dict[str, Any]]) -> str:
    if parts:
        things = "One thing needs" if len(parts) == 1 else f"{len(parts)} things need"
        return f"{things} a look: " + "; ".join(part["text"] for part in parts) + "."
    people, syncs = fields["active_users_today"].raw, fields["sync_24h"].raw["ok"]
    return (
        f"All systems nominal: {people} active user{'' if people == 1 else 's'}, "
        f"last scheduler tick {fields['scheduler'].value}, {syncs} syncs in 24h."
    )
