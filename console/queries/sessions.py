"""Questions about sessions. Each takes the sessions one may see and a filter."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Self

import ibis
import ibis.expr.types as ir

from console.queries.counted import with_total
from schema.bind import Text, Texts, Value, point
from schema.policy import Seen
from schema.table import rows_of
from schema.tables import SESSION_FILES, SESSION_FINDINGS, USAGE_SESSION_SUMMARY

# Which time a session is counted by: when its file first came, or when it began.
ANCHORS = {"uploaded": "uploaded_at", "started": "started_at"}
SORTS = {
    "uploaded_at": "uploaded_at",
    "started_at": "started_at",
    "ended_at": "ended_at",
    "findings": "findings",
    "tool_errors": "tool_errors",
    "user": "username",
    "username": "username",
    "tool_calls": "tool_calls",
    "active_seconds": "active_seconds",
    "tokens": "tokens",
    "model": "primary_model",
    "primary_model": "primary_model",
}
FINDING_TYPES = ("tool_error", "permission_denied", "user_rejection", "loop", "abrupt_end")
VERDICTS = ("clean", "recovered", "struggled", "failed", "open")
SEVERITIES = ("info", "warning", "error")
NONE = "none"  # as a value: sessions that have none
ANY = "any"  # as a kind of finding: sessions that have one of whatever kind
NULLABLE = {"model": "primary_model", "verdict": "verdict"}
SHOWN = (*USAGE_SESSION_SUMMARY.schema, "processed", "tokens")
_ZERO = (
    *("user_messages", "assistant_messages", "tool_calls", "tool_errors", "skill_invocations"),
    *("subagent_dispatches", "mcp_calls", "slash_commands", "distinct_tools", "distinct_skills"),
    *("input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens"),
)


@dataclass(frozen=True)
class SessionsSeen:
    """The sessions that one may see: one row each, those too that are not processed yet, with
    `processed` and `tokens`. The one source of list, cards, facets, heatmap, export. Bindable.

    `unread`: the keys of all sessions without a summary, whosever they are, where they are known
    (`console.session_reader`): looking for them costs more than all that is asked of the others.
    To be given only where the filter can match such ones."""

    summaries: Seen
    files: Seen
    found: Seen
    unread: Any = None

    @classmethod
    def by(cls, principal: Any, *, unread: Sequence[str] | None = None) -> SessionsSeen:
        tables = (USAGE_SESSION_SUMMARY, SESSION_FILES, SESSION_FINDINGS)
        known = None if unread is None else tuple(unread)
        summaries, files, found = (Seen(table, principal) for table in tables)
        return cls(summaries, files, found, known)

    def rows(self, *, waiting: bool = True) -> ir.Table:
        """Without those that are `waiting`, which cost as much as all others together."""
        done = self.summaries.rows()
        # A union wants equal types: what may be null on one side may be so on both.
        kinds = {name: kind(nullable=True) for name, kind in USAGE_SESSION_SUMMARY.schema.items()}
        rows = done.cast(kinds).mutate(processed=True)
        if waiting and (self.unread is None or _some(self.unread)):
            rest = self._waiting(done).cast(kinds).mutate(processed=False)
            rows = ibis.union(rows, rest)
        return rows.mutate(tokens=rows.input_tokens + rows.output_tokens)

    def _waiting(self, done: ir.Table) -> ir.Table:
        """Those without a summary: nothing is known of them, unless the failure scan came first."""
        files, found = self.files.rows(), self.found.rows()
        if self.unread is not None:
            files = files.filter(files.session_file.isin(Texts(self.unread).column))
            found = found.filter(found.session_file.isin(Texts(self.unread).column))
        # Also what is known to be unread: it may have been processed meanwhile.
        waiting = files.filter(files.parent.isnull()).anti_join(done, "session_file")
        scanned = found.group_by("session_file").agg(findings=lambda rows: rows.count())
        waiting = waiting.left_join(scanned, "session_file")
        known = {
            "session_file": waiting.session_file,
            "user_id": waiting.user_id,
            "uploaded_at": waiting.first_uploaded_at,
            "findings": waiting.findings.fill_null(0),
        }
        columns = {
            name: known.get(name, ibis.literal(0 if name in _ZERO else None))
            for name in USAGE_SESSION_SUMMARY.schema
        }
        return waiting.select(**columns)

    def matching(self, filter: SessionFilter) -> ir.Table:
        """The sessions that match, each once."""
        return filter.apply(self.rows(waiting=filter.meets_waiting), self.found.rows())

    def shape(self) -> Hashable:
        known = None if self.unread is None else bool(self.unread)
        return self.summaries.shape(), self.files.shape(), self.found.shape(), known

    def values(self) -> Mapping[str, Value]:
        parts = (self.summaries, self.files, self.found)  # of one and the same person
        unread = {"unread": list(self.unread)} if self.unread else {}
        return unread | {name: value for part in parts for name, value in part.values().items()}

    def bound(self, prefix: str) -> Self:
        return replace(
            self,
            summaries=self.summaries.bound(prefix),
            files=self.files.bound(prefix),
            found=self.found.bound(prefix),
            unread=point(prefix + "unread", list(self.unread)) if self.unread else self.unread,
        )


@dataclass(frozen=True)
class SessionFilter:
    """Which sessions: a window by `anchor` (naive UTC, both ends included), the seven days from
    `week` on by the same time, and `terms`, each of which must hold. `people` and `files` are what
    the text `q` means beside a part of a name: ids of users, and sessions in whose text it stands;
    None until it was looked up (`console.sessions.looked_up`). Bindable."""

    anchor: str = "uploaded"
    since: datetime | None = None
    until: datetime | None = None
    terms: Mapping[str, Any] = field(default_factory=dict)
    week: datetime | None = None
    people: Any = None
    files: Any = None

    def apply(self, sessions: ir.Table, findings: ir.Table) -> ir.Table:
        tests = [self._test(name, sessions, findings) for name in self.terms]
        at = sessions[ANCHORS[self.anchor]]
        if self.since is not None:
            tests.append(at >= self.since)
        if self.until is not None:
            tests.append(at <= self.until)
        if self.week is not None:
            tests.append((at >= self.week) & (at - ibis.interval(days=7) < self.week))
        return sessions.filter(tests) if tests else sessions

    @property
    def meets_waiting(self) -> bool:
        """Whether a session of which nothing is known yet can match. Depends on the shape alone."""
        known = {"username", "model", "verdict", "only_errors"} & self.terms.keys()
        dated = self.anchor == "started" and any(
            end is not None for end in (self.since, self.until, self.week)
        )
        return not dated and all(self._empty(name) for name in known)

    def _test(self, name: str, sessions: ir.Table, findings: ir.Table) -> Any:
        value = self.terms[name]
        if self._empty(name):
            return sessions[NULLABLE[name]].isnull()
        if name in FOUND:
            of_kind = findings[FOUND[name]] == value
            found = findings.filter(of_kind | (value == ANY))
            return sessions.session_file.isin(found.session_file)
        test = TERMS[name](sessions, value)
        if name == "q":
            meant = {"user_id": self.people, "session_file": self.files}
            for column, values in meant.items():
                if _some(values):
                    test |= sessions[column].isin(Texts(values).column)
        return test

    def _empty(self, name: str) -> bool:
        value = self.terms[name]
        return name in NULLABLE and isinstance(value, str) and value == NONE

    def _given(self) -> dict[str, Value]:
        """The values that are bound; lists without one are no condition."""
        found: dict[str, Any] = {"since": self.since, "until": self.until, "week": self.week}
        found |= {"people": list(self.people or ()), "files": list(self.files or ())}
        return {name: value for name, value in found.items() if value}

    def shape(self) -> Hashable:
        terms = tuple((name, self._empty(name)) for name in self.terms)
        return self.anchor, tuple(self._given()), terms

    def values(self) -> Mapping[str, Value]:
        bound = {f"t_{name}": self.terms[name] for name in self.terms if not self._empty(name)}
        return {**self._given(), **bound}

    def bound(self, prefix: str) -> Self:
        points = {key: point(prefix + key, value) for key, value in self.values().items()}
        return replace(
            self,
            since=points.get("since"),
            until=points.get("until"),
            week=points.get("week"),
            people=points.get("people"),
            files=points.get("files"),
            terms={name: points.get(f"t_{name}", NONE) for name in self.terms},
        )


def _some(values: Any) -> bool:
    """Whether there are any; what is bound has some."""
    return bool(values) if isinstance(values, tuple | list) else values is not None


# Terms of what was found in a session -> the findings' column.
FOUND = {"has_finding": "finding_type", "severity": "severity"}


def unread(limit: int) -> ir.Table:
    """`session_file` of up to `limit` sessions without a summary. The server's own question:
    nobody's rights decide it."""
    files, done = rows_of(SESSION_FILES), rows_of(USAGE_SESSION_SUMMARY)
    waiting = files.filter(files.parent.isnull()).anti_join(done, "session_file")
    return waiting.select("session_file").limit(limit)


# What a term's value must do to a session; what was found needs the findings too.
TERMS: Mapping[str, Any] = {
    "user_id": lambda rows, value: rows.user_id == value,
    "username": lambda rows, value: rows.username == value,
    "session_file": lambda rows, value: rows.session_file == value,
    "model": lambda rows, value: rows.primary_model == value,
    "verdict": lambda rows, value: rows.verdict == value,
    "only_errors": lambda rows, value: (rows.tool_errors > 0) & (value == "true"),
    "processed": lambda rows, value: rows.processed == (value == "true"),
    **dict.fromkeys(FOUND),
    "q": lambda rows, value: (
        (rows.session_file.lower() + "\n" + rows.session_id.fill_null("").lower())
        + ("\n" + rows.username.fill_null("").lower())
    ).contains(value),
}


def order(rows: ir.Table, sort: str) -> list[Any]:
    """`sort` is `<key>:asc` or `:desc`. Those without a value come last, ties are broken by
    `session_file`."""
    key, _, direction = sort.partition(":")
    column: Any = rows[SORTS[key]]
    main = column.asc(nulls_first=False) if direction == "asc" else column.desc(nulls_first=False)
    return [main, rows.session_file.asc()]


def listed(
    seen: SessionsSeen, filter: SessionFilter, sort: str, limit: int, offset: int
) -> ir.Table:
    """One page of sessions, each with the `total` of them."""
    rows = seen.matching(filter)
    rows = with_total(rows)
    return rows.order_by(order(rows, sort)).limit(limit, offset=offset)


def everything(seen: SessionsSeen, filter: SessionFilter, sort: str) -> ir.Table:
    """All sessions that match: what an export holds."""
    rows = seen.matching(filter)
    return rows.order_by(order(rows, sort)).select(*SHOWN)


def counted(seen: SessionsSeen, filter: SessionFilter) -> ir.Table:
    """`total`: how many sessions match."""
    rows = seen.matching(filter)
    return rows.aggregate(total=rows.count())


def neighbours(
    seen: SessionsSeen, filter: SessionFilter, sort: str, session_file: Text
) -> ir.Table:
    """`previous`, `next`, `place` (from 0) and `total` of one session in the list; no row where it
    is not in it."""
    rows = seen.matching(filter)
    by = ibis.window(order_by=order(rows, sort))
    placed = rows.select(
        "session_file",
        previous=rows.session_file.lag().over(by),
        next=rows.session_file.lead().over(by),
        place=ibis.row_number().over(by),
    )
    placed = with_total(placed)
    return placed.filter(placed.session_file == session_file.text)
