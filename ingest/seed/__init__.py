"""Made-up data, so that a console can be shown, tried and measured: 30 days of a company at work.

The same seed and the same `until` give the same rows, byte for byte, for the same people. It writes
through the Store of a file that no server holds, knows nothing of HTTP, and never touches what is
there already.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import ibis
import numpy as np

from ingest.seed.audit import World, audit_ids, batches
from ingest.seed.conversations import Sessions, converse
from ingest.seed.draws import combined
from ingest.seed.episodes import OLD, UPKEEP, Uploads, episodes, old, reported, upkeep, uploaded
from ingest.seed.figures import write_figures
from ingest.seed.finding_rows import findings, states
from ingest.seed.people import Crowd, newcomers, present
from ingest.seed.plan import Plan, together
from ingest.seed.quoted import Quoted
from ingest.seed.report_rows import report_rows
from ingest.seed.reports import Event, Reports, in_window
from ingest.seed.reports import reported as told
from ingest.seed.rhythm import Rhythm, Window
from ingest.seed.scheduled import scheduled
from ingest.seed.session_rows import summaries
from ingest.seed.stored import Stored, write_files
from ingest.seed.usage_rows import event_ids, usage_batches
from schema.errors import BadParameter, Conflict
from schema.store import Store
from schema.table import Table
from schema.tables import AUDIT_LOG, FEEDBACK_REPORTS, USAGE_EVENTS, USAGE_SESSION_SUMMARY
from schema.transaction import Rows

Say = Callable[[str], None]
# More than these is a slip of the finger, not a wish.
MOST = {
    "audit_rows": 50_000_000,
    "sessions": 1_000_000,
    "usage_events": 50_000_000,
    "users": 100_000,
    "reports": 2000,
}
REPORTS = 60  # unless more are wanted; fewer in a small log
_YEARS = (2000, 2200)


@dataclass(frozen=True)
class Wanted:
    """How much of what. Raises BadParameter for what is out of range, by its option's name."""

    audit_rows: int
    sessions: int
    usage_events: int
    users: int
    seed: int
    until: datetime
    reports: int

    def __post_init__(self) -> None:
        for name, most in MOST.items():
            if not 0 <= (count := getattr(self, name)) <= most:
                option = "--" + name.replace("_", "-")
                raise BadParameter(option, count, f"give a whole number from 0 to {most:,}")
        if not 0 <= self.seed < 1 << 63:
            raise BadParameter("--seed", self.seed, "give a whole number from 0 to 2^63 - 1")
        if not _YEARS[0] <= self.until.year < _YEARS[1]:
            allowed = f"give a time in the years {_YEARS[0]} to {_YEARS[1] - 1}"
            raise BadParameter("--until", self.until, allowed)


@dataclass(frozen=True)
class Seeded:
    """What was written: rows of each table, and how many transcripts."""

    counts: Mapping[str, int]
    transcripts: int
    seed: int
    until: datetime  # naive UTC
    admins: tuple[str, ...]  # e-mails of active admins, old and new


class Tally:
    """Hands rows to the store and counts them."""

    def __init__(self, store: Store, say: Say) -> None:
        self.store = store
        self.say = say
        self.counts: dict[str, int] = {}

    def write(self, *steps: Rows) -> None:
        """All steps in one transaction; returns when they are on disk."""
        some = [rows for rows in steps if len(rows.rows)]
        if not some:
            return
        self.store.write(*some).result()
        for rows in some:
            self.count(rows.table, len(rows.rows))

    def count(self, table: Table, rows: int) -> None:
        self.counts[table.name] = self.counts.get(table.name, 0) + rows


def seed(
    store: Store,
    folder: Path,
    *,
    audit_rows: int = 0,
    sessions: int = 0,
    usage_events: int = 0,
    users: int = 0,
    reports: int | None = None,
    seed: int = 1,
    until: datetime | None = None,
    files: int | None = None,
    say: Say = lambda text: None,
) -> Seeded:
    """Write that much into the 30 days before `until` (default now; a time without a zone is UTC).

    `reports` (default one for 100 audit rows, at most 60) were sent in twice that time.
    `users` are added to those in the file, and all of them act. Transcripts go to
    `folder`/sessions; with `files` only those of the newest sessions are written, as if the others
    had been pruned. `say` hears of the progress. Raises BadParameter for a count that cannot be,
    Conflict when these very rows are in the file already.
    """
    sent = min(REPORTS, max(audit_rows, 0) // 100) if reports is None else reports
    wanted = Wanted(audit_rows, sessions, usage_events, users, seed, naive(until), sent)
    if files is not None and files < 0:
        raise BadParameter("files", files, "a whole number, 0 or more")
    tally = Tally(store, say)
    window = Window.before(wanted.until)
    key = combined(seed, window.end)  # another time, other sessions: their ids hold no time
    rhythm = Rhythm.of(key, window)
    added = newcomers(seed, users, window, store)
    crowd = Crowd.of(seed, [*present(store), *added.users])
    if not crowd.weight.any() and audit_rows + sessions + usage_events + sent > 0:
        raise BadParameter("--users", users, "give 1 or more: nobody active is in the file yet")
    talks = converse(key, sessions, usage_events, rhythm, crowd)
    quoted = Quoted(key, talks, files) if len(talks) else None
    company = Company(key, wanted, rhythm, crowd, talks, told(key, sent, rhythm, crowd, quoted))
    events = company.events()
    _refuse_twice(store, company, events)
    tally.write(*added.steps)
    stored = _write_sessions(tally, folder, company, files)
    tally.write(*report_rows(key, company.reports, crowd, window.end))
    _write_audit(tally, company, stored, events)
    kept = sessions if files is None else min(files, sessions)
    admins = tuple(crowd.emails[at] for at in crowd.admins)
    return Seeded(tally.counts, kept, seed, wanted.until, admins)


def naive(until: datetime | None) -> datetime:
    """`until`, or now, as naive UTC."""
    moment = datetime.now(UTC) if until is None else until
    return moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)


@dataclass(frozen=True)
class Company:
    """The made-up company: what is wanted of it, when, by whom, and what they talked about."""

    key: int  # of all draws and ids
    wanted: Wanted
    rhythm: Rhythm
    crowd: Crowd
    talks: Sessions
    reports: Reports

    @cached_property
    def reported(self) -> list[Event]:
        """What the log knows of reports."""
        return list(in_window(self.reports.events, self.rhythm.window.start))

    def events(self) -> Plan:
        """As many audit events as are wanted, in order of time."""
        seed, total = self.key, self.wanted.audit_rows
        parts = scheduled(seed, total, self.rhythm, self.crowd)
        own, old_ones = round(total * UPKEEP), round(total * OLD)
        parts += [
            upkeep(seed, own, self.rhythm),
            old(seed, old_ones, self.rhythm, self.crowd),
        ]
        order = self.talks.by_upload
        uploads = Uploads(self.talks.uploaded[order], self.talks.owner[order])
        # Half of what is left at most: people do more than send sessions.
        parts.append(uploaded(uploads, (total - sum(map(len, parts))) // 2))
        parts.append(reported(self.reported, (total - sum(map(len, parts))) // 2))
        room = total - sum(map(len, parts))
        talked = len(order) > 0
        parts.append(episodes(seed, room, self.rhythm, self.crowd, sessions=talked))
        return together(parts)


def _write_sessions(
    tally: Tally, folder: Path, company: Company, files: int | None
) -> list[Stored]:
    """Transcripts, what the processors made of them, and usage events."""
    seed, talks, crowd = company.key, company.talks, company.crowd
    if len(talks) == 0:
        return []
    stored = write_files(seed, folder, talks, crowd, files, tally.write)
    tally.say(f"{len(stored):,} sessions")
    tally.write(
        summaries(talks, crowd), findings(seed, talks, crowd), *states(talks, crowd, stored)
    )
    for rows in usage_batches(seed, talks, crowd):
        tally.write(rows)
        tally.say(f"{tally.counts[USAGE_EVENTS.name]:,} of {len(talks.calls):,} usage events")
    write_figures(tally.store, company.wanted.until)
    return stored


def _write_audit(tally: Tally, company: Company, stored: Sequence[Stored], events: Plan) -> None:
    for steps in batches(_world(company, stored), events):
        tally.write(*steps)
        tally.say(f"{tally.counts[AUDIT_LOG.name]:,} of {len(events):,} audit rows")


def _world(company: Company, stored: Sequence[Stored]) -> World:
    return World(
        seed=company.key,
        rhythm=company.rhythm,
        crowd=company.crowd,
        sessions=[(one.session_file, one.bytes) for one in stored],
        uploaded=company.talks.uploaded[company.talks.by_upload],
        reported=[(event.resource, event.params, event.before) for event in company.reported],
    )


def _refuse_twice(store: Store, company: Company, events: Plan) -> None:
    """Raises Conflict when the first row of any kind is in the file: others are too."""
    seed, talks, first = company.key, company.talks, np.zeros(1, np.int64)
    found = []
    if len(events):
        found.append(
            _has(store, AUDIT_LOG, "id", audit_ids(_world(company, ()), events.at(slice(1)), first))
        )
    if len(talks.calls):
        found.append(_has(store, USAGE_EVENTS, "id", event_ids(seed, first)))
    if len(talks.by_upload):
        file = [talks.files[talks.by_upload[0]]]
        found.append(_has(store, USAGE_SESSION_SUMMARY, "session_file", file))
    if rows := company.reports.rows:
        found.append(_has(store, FEEDBACK_REPORTS, "id", [rows[0]["id"]]))
    if any(found):
        wanted = company.wanted
        raise Conflict(
            f"this file holds rows of seed {wanted.seed} up to {wanted.until} already",
            detail="Take another --seed or --until, or a new data folder.",
        )


def _has(store: Store, table: Table, column: str, values: Any) -> bool:
    rows: Any = ibis.table(table.schema, name=table.name)
    wanted = [str(value) for value in values]
    return bool(store.read(rows.filter(rows[column].isin(wanted)).limit(1)).num_rows)
