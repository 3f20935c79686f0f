"""From the files of one session to its finished rows: what every processor does, and in what form
the rows travel to whoever commits them.

Pure but for reading the files it is given: it asks no database and no network, so any process can
do it. `ingest.commit` puts the rows in their place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from ingest.attribution import Attribution
from ingest.findings import find
from ingest.transcript import read
from ingest.transcript.lines import rows
from ingest.transcript.model import Digest
from ingest.transcript.record import name
from ingest.usage import Session, extract
from ingest.verdict import decide, open_until

Row = dict[str, Any]
Tables = dict[str, Sequence[Row]]


@dataclass(frozen=True)
class ProcessorResult:
    """What a processor made of one session: rows by table, and how many items they are."""

    items_count: int
    tables: Tables


@dataclass(frozen=True)
class Processor:
    """`version` is raised when the same file would give other rows: all sessions are then due."""

    name: str
    version: int
    cadence_minutes: int
    process_session: Callable[[Digest, Session, datetime], ProcessorResult]


def usage(digest: Digest, session: Session, now: datetime) -> ProcessorResult:
    """Attribution is left to the commit: it depends on the marketplaces, not on the file."""
    found = extract(digest, session, Attribution())
    tables: Tables = {"usage_events": found.events, "usage_session_summary": [found.summary]}
    return ProcessorResult(len(found.events), tables)


def failure_scan(digest: Digest, session: Session, now: datetime) -> ProcessorResult:
    found = find(digest, now=now, uploaded_at=session.uploaded_at)
    verdict = decide(digest, found, now=now, uploaded_at=session.uploaded_at)
    until = open_until(digest, now=now, uploaded_at=session.uploaded_at)
    findings = [
        {
            "id": one.id(session.session_file),
            "finding_type": one.finding_type,
            "subtype": one.subtype,
            "turn_index": one.turn_index,
            "line_no": one.line_no,
            "line_to": one.line_to,
            "count": one.count,
            "event_uuid": one.event_uuid,
            "agent_id": one.agent_id,
            "severity": one.severity,
            "excerpt": one.excerpt,
        }
        for one in found
    ]
    checks = orjson.dumps([_plain(check) for check in verdict.checks]).decode()
    row = {"verdict": verdict.name, "checks": checks, "open_until": until}
    tables: Tables = {"session_findings": findings, "session_verdicts": [row]}
    return ProcessorResult(len(findings), tables)


PROCESSORS: dict[str, Processor] = {
    processor.name: processor
    for processor in (
        Processor("usage", 1, 10, usage),
        Processor("failure_scan", 1, 10, failure_scan),
    )
}


@dataclass(frozen=True)
class Outcome:
    """What became of one session under one processor; `error` is empty when it went well."""

    version: int
    items: int = 0
    error: str = ""


@dataclass(frozen=True)
class Finished:
    """One session's rows, ready to be committed. `fingerprint` says from which bytes they were
    made, `roots` by which records copies of its history are known."""

    session_file: str
    fingerprint: str
    outcomes: Mapping[str, Outcome]
    roots: Sequence[str] = ()
    problems: int = 0
    records: int = 0
    tables: Tables = field(default_factory=dict)


@dataclass(frozen=True)
class Files:
    """Where a session's files lie: its own, its subagents', and the earlier ones it repeats."""

    main: Path
    subagents: Sequence[Path] = ()
    earlier: Sequence[Path] = ()


def process(
    session: Session, files: Files, names: Iterable[str], *, fingerprint: str, now: datetime
) -> Finished:
    """Read a session once, let the named processors work on it. What fails in one of them is kept
    as its error and stops no other."""
    digest = read(files.main, files.subagents, copied=uuids(files.earlier))
    outcomes: dict[str, Outcome] = {}
    tables: Tables = {}
    for processor in map(PROCESSORS.__getitem__, names):
        try:
            result = processor.process_session(digest, session, now)
        except Exception as error:  # noqa: BLE001 (whatever it is, it is this session's alone)
            outcomes[processor.name] = Outcome(processor.version, error=said(error))
        else:
            outcomes[processor.name] = Outcome(processor.version, result.items_count)
            tables.update(result.tables)
    return Finished(
        session.session_file,
        fingerprint,
        outcomes,
        digest.roots,
        digest.problem_count,
        sum(digest.records.values()),
        tables,
    )


def failed(session_file: str, fingerprint: str, names: Iterable[str], error: str) -> Finished:
    """A session whose files could not even be read."""
    outcomes = {one: Outcome(PROCESSORS[one].version, error=error) for one in names}
    return Finished(session_file, fingerprint, outcomes)


def uuids(paths: Iterable[Path]) -> frozenset[str]:
    """The uuids of all records of these files."""
    found: set[str] = set()
    for path in paths:
        with path.open("rb") as file:
            records = (data for _, _, data, _ in rows(file) if data)
            found.update(uuid for data in records if (uuid := name(data.get("uuid"))))
    return frozenset(found)


def said(error: BaseException) -> str:
    """An error in one line; never the values of the transcript that it came from."""
    return f"{type(error).__name__} while the session was read"


def _plain(check: Any) -> Row:
    return {
        "name": check.name,
        "passed": check.passed,
        "says": check.says,
        "turns": list(check.turns)[:100],
    }
