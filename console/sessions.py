"""Sessions and their findings as people read them. All of it but the filter blocks: call it through
`store.offload`."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace

import orjson
import pyarrow as pa

from console.facets import told
from console.queries import session_facets, session_findings, sessions
from console.queries.session_findings import After, FindingFilter
from console.queries.sessions import FINDING_TYPES, NONE, VERDICTS, SessionFilter
from console.session_filter import (
    FILTERS,
    WEEK,
    YEAR,
    filter_of,
    mondays,
    sort_of,
    window_minutes,
)
from console.session_reader import Reader, Row
from console.transcript import text_search
from schema.bind import Text, Texts
from schema.errors import NotFound
from schema.policy import Seen
from schema.tables import SESSION_VERDICTS, USAGE_SESSION_SUMMARY

__all__ = ["FILTERS", "READ", "WEEK", "YEAR", "Reader", "Row", "filter_of", "sort_of"]

READ = "sessions.read"

# What an export holds: column -> its type in a Parquet file.
EXPORTED: Mapping[str, pa.DataType] = {
    **{name: kind.to_pyarrow() for name, kind in USAGE_SESSION_SUMMARY.schema.items()},
    "processed": pa.bool_(),
    "tokens": pa.int64(),
    "user_name": pa.string(),
    "user_email": pa.string(),
}


def looked_up(reader: Reader, filter: SessionFilter) -> SessionFilter:
    """The filter with what its `q` means beside a part of a session's name: people by name or
    e-mail, and sessions in whose text it stands. Whoever asks several things of one filter looks it
    up first; else each question does."""
    text = filter.terms.get("q")
    if text is None or filter.people is not None:
        return filter
    people = reader.instance.people.all().values()
    wanted = text.casefold()
    named = (one.id for one in people if wanted in f"{one.email}\n{one.name or ''}".casefold())
    inside = text_search.matching(reader, text)
    return replace(filter, people=tuple(sorted(named)), files=tuple(sorted(inside or ())))


def page(reader: Reader, filter: SessionFilter, *, sort: str, limit: int, offset: int) -> Row:
    """One page of sessions with names, how many there are on all, and where the next begins."""
    filter = looked_up(reader, filter)
    rows = reader.ask(sessions.listed, reader.seen_for(filter), filter, sort, limit, offset)
    total = rows[0]["total"] if rows else _total(reader, filter) if offset else 0
    for row in rows:
        del row["total"]
    if rows and "q" in filter.terms:
        rows = _with_hits(reader, filter.terms["q"], rows)
    after = offset + limit
    return {
        "rows": reader.named(rows),
        "total": total,
        "limit": limit,
        "offset": offset,
        "next_offset": after if after < total else None,
    }


def _with_hits(reader: Reader, text: str, rows: list[Row]) -> list[Row]:
    """With `hits`, how often the text stands in each, the first as `snippet`: parts `[text, whether
    it is a hit]`, and its `turn`; both None where only the name matches."""
    keys = [row["session_file"] for row in rows]
    found = text_search.snippets(reader, text, keys)
    nothing = {"hits": 0, "snippet": None, "turn": None}
    return [{**row, **found.get(row["session_file"], nothing)} for row in rows]


def _total(reader: Reader, filter: SessionFilter) -> int:
    (counted,) = reader.ask(sessions.counted, reader.seen_for(filter), filter)
    return int(counted["total"])


def kpis(reader: Reader, filter: SessionFilter) -> Row:
    filter = looked_up(reader, filter)
    (found,) = reader.ask(session_facets.kpis, reader.seen_for(filter), filter)
    by_verdict = {name: found.pop(f"v_{name}") for name in (*VERDICTS, NONE)}
    figures = {
        name: value if name == "active_seconds_total" else int(value)
        for name, value in found.items()
    }
    calls, errors = figures["tool_calls_total"], figures["tool_errors_total"]
    return {
        "window_minutes": window_minutes(filter),
        **figures,
        "active_seconds_total": round(figures["active_seconds_total"], 3),
        "tool_error_rate": round(errors / calls, 4) if calls else 0.0,
        "by_verdict": by_verdict,
    }


def facets(reader: Reader, filter: SessionFilter) -> Row:
    """Each counts the sessions of the whole filter, its own term included."""
    people = reader.instance.people.all()
    filter = looked_up(reader, filter)
    rows = reader.ask(session_facets.facets, reader.seen_for(filter), filter)
    names = (*session_facets.FACETS, *session_facets.FOUND)
    return {"window_minutes": window_minutes(filter), **told(rows, names, people)}


def neighbours(reader: Reader, filter: SessionFilter, sort: str, session_file: str) -> Row:
    """The sessions before and after this one in the list, its `place` in it from 0 (None: it is not
    in it) and their `total`."""
    filter = looked_up(reader, filter)
    rows = reader.ask(
        sessions.neighbours, reader.seen_for(filter), filter, sort, Text(session_file)
    )
    if rows:
        return {name: rows[0][name] for name in ("previous", "next", "place", "total")}
    return {"previous": None, "next": None, "place": None, "total": _total(reader, filter)}


def summary(reader: Reader, session_file: str) -> Row:
    """One session's row, as in the list. Raises NotFound, also for what this reader may not see."""
    alone = SessionFilter(terms={"session_file": session_file})
    rows = reader.ask(sessions.listed, reader.seen, alone, "uploaded_at:desc", 1, 0)
    if not rows:
        raise NotFound(
            f"no session {session_file} here", detail="Sessions are listed in /admin/sessions."
        )
    del rows[0]["total"]
    return reader.named(rows)[0]


def verdict_of(reader: Reader, session_file: str) -> Row | None:
    """`{verdict, checks: [{name, passed, says, turns}], decided_at}`; None until it was judged."""
    judged = Seen(SESSION_VERDICTS, reader.principal)
    rows = reader.ask(session_findings.verdict, judged, Text(session_file))
    return {**rows[0], "checks": orjson.loads(rows[0]["checks"] or "[]")} if rows else None


def of_session(reader: Reader, session_file: str) -> list[Row]:
    """All findings of one session, in the order of its conversation."""
    return reader.ask(session_findings.of_session, reader.found, Text(session_file))


def kinds_of(reader: Reader, session_files: Sequence[str]) -> dict[str, list[Row]]:
    """What was found in these sessions, where there was something: `{finding_type, findings,
    turn}`, the first of each kind at `turn`, in the order of the conversation."""
    found: dict[str, list[Row]] = {}
    rows = reader.ask(session_findings.kinds, reader.found, Texts(tuple(session_files)))
    for row in sorted(rows, key=lambda row: (row["turn"] or 0, row["finding_type"])):
        found.setdefault(row.pop("session_file"), []).append(row)
    return found


def findings(reader: Reader, filter: FindingFilter, after: After, limit: int) -> Row:
    """One page of findings, newest sessions first, and where the next one begins."""
    filter = replace(filter, sessions=looked_up(reader, filter.sessions))
    seen = reader.seen_for(filter.sessions)
    rows = reader.ask(session_findings.findings, seen, filter, after, limit + 1)
    more, rows = len(rows) > limit, rows[:limit]
    following = {"ts": rows[-1]["at"], "id": rows[-1]["id"]} if more else None
    return {"rows": reader.named(rows), "next_cursor": following}


def heatmap(reader: Reader, filter: SessionFilter | FindingFilter) -> Row:
    """`weeks` of the window, each by its Monday in UTC, `finding_types`, and the `cells` `{week,
    finding_type, findings, sessions}` that are not empty. A session stands in several cells of its
    week when it has several kinds: `total_sessions` counts it once. Equal figures, equal `mark`."""
    wanted = FindingFilter(filter) if isinstance(filter, SessionFilter) else filter
    wanted = replace(wanted, sessions=looked_up(reader, wanted.sessions))
    rows = reader.ask(session_findings.per_week, reader.seen_for(wanted.sessions), wanted)
    (whole,) = (row for row in rows if row["week"] is None)
    cells = [{**row, "week": row["week"].isoformat()} for row in rows if row["week"] is not None]
    answer: Row = {
        "weeks": [day.isoformat() for day in mondays(wanted.sessions)],
        "finding_types": list(FINDING_TYPES),
        "cells": sorted(cells, key=lambda cell: (cell["week"], cell["finding_type"])),
        "total_findings": whole["findings"],
        "total_sessions": whole["sessions"],
    }
    return {**answer, "mark": hashlib.sha256(orjson.dumps(answer)).hexdigest()[:16]}
