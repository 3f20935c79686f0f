"""The server's side of processing: what waits, who works on it, and how rows come back.

Parsing is never done here, it would hold up everybody: kernels do it (`console.work`), which ask
for pending sessions and commit what they finished.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from functools import partial
from typing import Any

import ibis.expr.types as ir

from console.audit import Caller, entry, now
from console.instance import Instance
from console.posthog import counted
from ingest import pending
from ingest.commit import Receipt, commit, days_of, kept, mark
from ingest.pipeline import PROCESSORS, Finished
from ingest.rollups import days_marked, rebuild, rebuild_windows
from schema.bind import At, Text
from schema.errors import BadParameter, NotFound
from schema.store import Store
from schema.table import rows_of
from schema.tables import (
    SESSION_FILES,
    SESSION_FINDINGS,
    SESSION_PROCESSOR_STATE,
    SESSION_ROOTS,
    SESSION_VERDICTS,
    USAGE_EVENTS,
    USAGE_SESSION_SUMMARY,
)
from schema.transaction import Transaction

_MADE = {
    "state_rows": SESSION_PROCESSOR_STATE,
    "events": USAGE_EVENTS,
    "summaries": USAGE_SESSION_SUMMARY,
    "findings": SESSION_FINDINGS,
    "verdicts": SESSION_VERDICTS,
}


def known(names: Sequence[str]) -> list[str]:
    """Names of processors, checked. Raises BadParameter."""
    for name in names:
        if name not in PROCESSORS:
            raise BadParameter("processor", name, "one of " + ", ".join(PROCESSORS))
    return list(dict.fromkeys(names))


def tally(store: Store, names: Sequence[str]) -> dict[str, int]:
    """`scanned, due, set_aside` sessions, of the processor with the most to do."""
    at = At(now())
    found = [
        store.rows(pending.tally, name, PROCESSORS[name].version, at)[0] for name in known(names)
    ]
    return max(found, key=lambda row: int(row["due"]))


_WATCHED = tuple(
    table.name
    for table in (SESSION_FILES, SESSION_PROCESSOR_STATE, SESSION_ROOTS, SESSION_VERDICTS)
)


def waiting(instance: Instance, names: tuple[str, ...]) -> int:
    """How many sessions wait. Asked by every beat and every look at the jobs, so it is remembered
    for a minute, as long as nothing was written that decides it."""
    key = instance.store.version(*_WATCHED), now().replace(second=0, microsecond=0)
    known = instance.waiting.get(names)
    if known is None or known[0] != key:
        known = instance.waiting[names] = key, tally(instance.store, names)["due"]
    return known[1]


def claim(instance: Instance, names: Sequence[str], *, holder: str, limit: int) -> dict[str, Any]:
    """Up to `limit` sessions for `holder` to work on, with the files of each; `waiting`: how many
    there are in all."""
    store, at = instance.store, now()
    found: dict[str, dict[str, Any]] = {}
    room = limit + len(instance.claims)
    for name in known(names) if limit else ():
        version = PROCESSORS[name].version
        for row in store.rows(pending.due, name, version, At(at), room):
            one = found.setdefault(row["session_file"], {**row, "processors": []})
            one["processors"].append(name)
    rows: list[dict[str, Any]] = []
    for key, row in found.items():
        if len(rows) >= limit:
            break
        if instance.claims.take(key, holder, found=at):
            rows.append(_offered(store, row))
    return {"now": at, "rows": rows, "waiting": tally(store, names)["due"]}


def _offered(store: Store, row: dict[str, Any]) -> dict[str, Any]:
    key = Text(row["session_file"])
    files = [_file(row, "main")]
    if row["fingerprint"] != row["sha256"]:
        files += [_file(one, "subagent") for one in store.rows(pending.subagents_of, key)]
        files += [_file(one, "earlier") for one in store.rows(pending.earlier_of, key)]
    return {
        "session_file": row["session_file"],
        "user_id": row["user_id"],
        "username": row["username"],
        "uploaded_at": row["first_uploaded_at"],
        "fingerprint": row["fingerprint"],
        "bytes": sum(file["bytes"] for file in files),
        "processors": row["processors"],
        "files": files,
    }


def _file(row: dict[str, Any], role: str) -> dict[str, Any]:
    return {**{key: row[key] for key in ("session_file", "sha256", "bytes")}, "role": role}


async def take_back(instance: Instance, finished: Sequence[Finished]) -> list[Receipt]:
    """Commit finished sessions, each in one transaction of its own."""
    horizon = horizon_of(instance)
    for one in finished:
        known(list(one.outcomes))

    async def put(one: Finished) -> Receipt:
        try:
            receipt: Receipt = await instance.store.awrite(
                lambda transaction: commit(transaction, one, at=now(), horizon=horizon)
            )
            _told(instance, one, receipt)
            return receipt
        finally:
            instance.claims.give_back(one.session_file)

    return await asyncio.gather(*(put(one) for one in finished))


def _told(instance: Instance, done: Finished, receipt: Receipt) -> None:
    """PostHog hears that a session has findings, how many of which kind, and that a processor could
    not read it; nothing of whose."""
    for name, outcome in done.outcomes.items():
        if outcome.error:
            instance.posthog.swallowed_elsewhere(outcome.error, place=f"processor {name}")
    findings = done.tables.get("session_findings") or ()
    if receipt.status == "committed" and findings:
        kinds, weights = counted(findings, "finding_type"), counted(findings, "severity")
        instance.posthog.capture("session_failure_detected", findings=kinds, severities=weights)


def horizon_of(instance: Instance) -> datetime | None:
    """Usage events before this moment have been pruned; None when all are kept."""
    days = instance.settings.usage_events_retention_days
    return midnight(days) if days else None


def midnight(days: int) -> datetime:
    """The beginning of the day that many days ago. Days are pruned as wholes: the figures of half a
    day could not be made anew."""
    return datetime.combine(now().date() - timedelta(days=days), time.min)


async def forget(instance: Instance, caller: Caller, *, session_file: str | None) -> dict[str, int]:
    """Delete what was made of the transcripts that are here, or of one of them; all of it is due
    again. Rows whose transcript is gone stay: they could not be made again."""
    horizon = horizon_of(instance)

    def step(transaction: Transaction) -> dict[str, int]:
        files = [row["session_file"] for row in transaction.ask(sessions_here)]
        if session_file is not None:
            if session_file not in files:
                raise NotFound(f"session_file={session_file} is no session that was uploaded")
            files = [session_file]
        found = (
            transaction.ask(days_with_events)
            if session_file is None
            else (transaction.ask(days_of, Text(session_file)))
        )
        deleted = {
            name: transaction.delete_among(table, "session_file", files)
            for name, table in _MADE.items()
        }
        mark(transaction, (row["day"] for row in found), horizon)
        resource = session_file or "sessions"
        transaction.insert(entry(caller, "usage.reprocess", resource=resource, params=deleted))
        return deleted

    return await instance.store.awrite(step)  # type: ignore[no-any-return]


async def roll_up(instance: Instance, days: Sequence[date] | None = None) -> dict[str, Any]:
    """Make the figures of `days`, else of all marked ones, anew, each in a transaction of its own,
    then the windows. `{days: [{day, tools, items}], remaining}`."""
    store = instance.store
    marked = await store.offload(store.rows, days_marked)
    wanted = [row["day"] for row in marked]
    if days is not None:
        wanted = sorted(kept(days, horizon_of(instance)))
    if wanted:
        instance.windows_of = None  # until they are made anew, whatever comes between
    done = [await store.awrite(partial(_rebuild, day)) for day in wanted]
    today = now().date()
    if instance.windows_of != today:
        await store.awrite(lambda transaction: rebuild_windows(transaction, today))
        instance.windows_of = today
    return {"days": done, "remaining": len(await store.offload(store.rows, days_marked))}


def _rebuild(day: date, transaction: Transaction) -> dict[str, Any]:
    return rebuild(transaction, day)


def sessions_here() -> ir.Table:
    """`session_file` of each session whose transcript is here."""
    files = rows_of(SESSION_FILES)
    return files.filter(files.parent.isnull()).select("session_file")


def days_with_events() -> ir.Table:
    """`day`: the days on which events lie."""
    events = rows_of(USAGE_EVENTS)
    return events.select(day=events.occurred_at.date()).distinct()
