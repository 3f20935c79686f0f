"""Putting a session's finished rows in their place: all of them in one transaction, instead of all
that stood there before.

Whose rows they are is said by the session's file, never by who hands them over. Rows made from
other bytes than those that stand now are refused: the session stays due, and is read again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import ibis.expr.types as ir

from ingest import pending
from ingest.attribution import Attribution
from ingest.pipeline import PROCESSORS, Finished, Outcome
from schema.bind import Text
from schema.table import rows_of
from schema.tables import (
    MARKETPLACE_ITEMS,
    ROLLUP_DAYS,
    SESSION_FINDINGS,
    SESSION_PROCESSOR_STATE,
    SESSION_ROOTS,
    SESSION_VERDICTS,
    USAGE_EVENTS,
    USAGE_SESSION_SUMMARY,
)
from schema.transaction import Row, Rows, Transaction

_ROOTS = 1_000  # of one session; more are no help in finding copies


@dataclass(frozen=True)
class Receipt:
    """What became of a session: `committed`; `stale`, when it is to be read again; or `gone`."""

    session_file: str
    status: str
    items: int = 0


def commit(
    transaction: Transaction, done: Finished, *, at: datetime, horizon: datetime | None
) -> Receipt:
    """Replace the session's rows. `at` is now, naive UTC; events before `horizon` have been pruned
    and stay so."""
    key = Text(done.session_file)
    found = transaction.ask(pending.session, key)
    if not found:
        return Receipt(done.session_file, "gone")
    session = found[0]
    read = any(not outcome.error for outcome in done.outcomes.values())
    if read:
        _root(transaction, session, done.roots)
    if _fingerprint(transaction, session, key) != done.fingerprint:
        return Receipt(done.session_file, "stale")
    states = {row["processor_name"]: row for row in transaction.ask(states_of, key)}
    for name, outcome in done.outcomes.items():
        if not outcome.error:
            _REPLACE[name](transaction, session, done.tables, states.get(name), at, horizon)
        _note(transaction, session, name, outcome, done.fingerprint, states.get(name), at)
    if read:
        _sum_up(transaction, key, done.tables)
    items = sum(outcome.items for outcome in done.outcomes.values())
    return Receipt(done.session_file, "committed", items)


def _fingerprint(transaction: Transaction, session: Row, key: Text) -> str:
    subagents = transaction.ask(pending.subagents_of, key)
    return pending.fingerprint(
        session["sha256"], subagents, transaction.ask(pending.earlier_of, key)
    )


def _root(transaction: Transaction, session: Row, roots: Iterable[str]) -> None:
    wanted = set(list(roots)[:_ROOTS])
    key = session["session_file"]
    there = {row["root"] for row in transaction.ask(roots_of, Text(key))}
    if wanted == there:
        return
    if there:
        transaction.delete(SESSION_ROOTS, {"session_file": key})
    rows = [
        {"session_file": key, "user_id": session["user_id"], "root": root}
        for root in sorted(wanted)
    ]
    transaction.insert(Rows(SESSION_ROOTS, rows))


def _usage(
    transaction: Transaction,
    session: Row,
    tables: Mapping[str, Any],
    state: Row | None,
    at: datetime,
    horizon: datetime | None,
) -> None:
    key = session["session_file"]
    days: set[date] = set()
    if state is not None:
        days |= {row["day"] for row in transaction.ask(days_of, Text(key))}
        transaction.delete(USAGE_EVENTS, {"session_file": key})
        transaction.delete(USAGE_SESSION_SUMMARY, {"session_file": key})
    attribution = Attribution(transaction.ask(items))
    events = [
        _signed(row, session, "usage", at) | attributed(attribution, row)
        for row in tables["usage_events"]
        if horizon is None or row["occurred_at"] >= horizon
    ]
    days |= {row["occurred_at"].date() for row in events}
    transaction.insert(Rows(USAGE_EVENTS, events))
    (summary,) = tables["usage_session_summary"]
    uploaded = {"uploaded_at": session["first_uploaded_at"]}
    transaction.insert(
        Rows(USAGE_SESSION_SUMMARY, [_signed(summary, session, "usage", at) | uploaded])
    )
    mark(transaction, days, horizon)


def _failure_scan(
    transaction: Transaction,
    session: Row,
    tables: Mapping[str, Any],
    state: Row | None,
    at: datetime,
    horizon: datetime | None,
) -> None:
    key = {"session_file": session["session_file"]}
    if state is not None:
        transaction.delete(SESSION_FINDINGS, key)
        transaction.delete(SESSION_VERDICTS, key)
    findings = [
        _signed(row, session, "failure_scan", at) | {"detected_at": at}
        for row in tables["session_findings"]
    ]
    (verdict,) = tables["session_verdicts"]
    row = _signed(verdict, session, "failure_scan", at) | {"decided_at": at}
    transaction.insert(Rows(SESSION_FINDINGS, findings))
    transaction.insert(Rows(SESSION_VERDICTS, [row]))


_REPLACE = {"usage": _usage, "failure_scan": _failure_scan}


def _sum_up(transaction: Transaction, key: Text, tables: Mapping[str, Any]) -> None:
    """`findings` and `verdict` of the summary are the failure scan's: usage that is read again
    finds them in its tables, a scan that is done again writes them into the summary."""
    if not transaction.ask(has_summary, key):
        return
    found = transaction.ask(judged, key)
    if found:
        transaction.update(USAGE_SESSION_SUMMARY, {"session_file": key.text}, found[0])


def _note(
    transaction: Transaction,
    session: Row,
    name: str,
    outcome: Outcome,
    fingerprint: str,
    before: Row | None,
    at: datetime,
) -> None:
    """The processor's state: what it read, when, and how often it has tried in vain."""
    of_now = (fingerprint, outcome.version)
    tried = 0
    if before is not None and before["error"]:
        same = (before["file_hash"], before["processor_version"]) == of_now
        tried = before["attempts"] if same else 0
    row = {
        "processor_name": name,
        "session_file": session["session_file"],
        "user_id": session["user_id"],
        "username": session["username"],
        "processor_version": outcome.version,
        "file_hash": fingerprint,
        "processed_at": at,
        "items_extracted": outcome.items,
        "attempts": tried + 1,
        "error": outcome.error or None,
    }
    if before is None:
        transaction.add(SESSION_PROCESSOR_STATE, row)
    else:
        transaction.put(SESSION_PROCESSOR_STATE, row)


def mark(transaction: Transaction, days: Iterable[date], horizon: datetime | None) -> None:
    """These days' figures are to be made anew. Days that have been pruned keep theirs."""
    wanted = kept(days, horizon)
    there = {row["day"] for row in transaction.ask(marked)}
    rows = [{"day": day} for day in sorted(wanted - there)]
    transaction.insert(Rows(ROLLUP_DAYS, rows))


def kept(days: Iterable[date], horizon: datetime | None) -> set[date]:
    """Those of `days` whose events are all there."""
    return {day for day in days if horizon is None or day >= horizon.date()}


def attributed(attribution: Attribution, row: Row) -> dict[str, str | None]:
    """The two columns that say whose work an event is."""
    source, ref = attribution.of(row["skill_name"], row["subagent_type"], row["command_name"])
    return {"source": source, "ref_id": ref}


def _signed(row: Row, session: Row, name: str, at: datetime) -> dict[str, Any]:
    """A row with whose it is, and who made it when."""
    signed = dict(row) | {key: session[key] for key in ("session_file", "user_id")}
    signed["processor_version"] = PROCESSORS[name].version
    if "username" in signed:
        signed["username"] = session["username"]
    if "extracted_at" in signed:
        signed["extracted_at"] = at
    return signed


# -- questions


def states_of(key: Text) -> ir.Table:
    states = rows_of(SESSION_PROCESSOR_STATE)
    return states.filter(states.session_file == key.text)


def roots_of(key: Text) -> ir.Table:
    roots = rows_of(SESSION_ROOTS)
    return roots.filter(roots.session_file == key.text).select("root")


def days_of(key: Text) -> ir.Table:
    """`day`: the days on which a session's events lie."""
    events = rows_of(USAGE_EVENTS)
    mine = events.filter(events.session_file == key.text)
    return mine.select(day=mine.occurred_at.date()).distinct()


def items() -> ir.Table:
    """What the marketplaces hold."""
    return rows_of(MARKETPLACE_ITEMS).select("source", "plugin", "type", "name")


def marked() -> ir.Table:
    """`day`: the days whose figures are to be made anew."""
    return rows_of(ROLLUP_DAYS).distinct()


def has_summary(key: Text) -> ir.Table:
    summaries = rows_of(USAGE_SESSION_SUMMARY)
    return summaries.filter(summaries.session_file == key.text).select("session_file")


def judged(key: Text) -> ir.Table:
    """`findings, verdict` of a session that the failure scan has looked at."""
    verdicts, findings = rows_of(SESSION_VERDICTS), rows_of(SESSION_FINDINGS)
    mine = findings.filter(findings.session_file == key.text)
    count = mine.aggregate(findings=mine.count())
    verdict = verdicts.filter(verdicts.session_file == key.text).select("verdict")
    return verdict.cross_join(count)
