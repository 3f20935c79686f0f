"""Questions about sessions and their findings. Each takes the rows one may see and a filter."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Self

import ibis
import ibis.expr.types as ir

from schema.bind import Value, point
from schema.policy import Seen
from schema.tables import SESSION_FILES, USAGE_SESSION_SUMMARY

# Which time a session is counted by: when its file first came, or when it began.
ANCHORS = {"uploaded": "uploaded_at", "started": "started_at"}
SORTS = {
    "uploaded_at": "uploaded_at",
    "started_at": "started_at",
    "findings": "findings",
    "tool_errors": "tool_errors",
    "user": "username",
    "tool_calls": "tool_calls",
    "active_seconds": "active_seconds",
    "tokens": "tokens",
}
FINDING_TYPES = ("tool_error", "permission_denied", "user_rejection", "loop", "abrupt_end")
VERDICTS = ("clean", "recovered", "struggled", "failed", "open")
SEVERITIES = ("info", "warning", "error")
_ZERO = (
    *("user_messages", "assistant_messages", "tool_calls", "tool_errors", "skill_invocations"),
    *("subagent_dispatches", "mcp_calls", "slash_commands", "distinct_tools", "distinct_skills"),
    *("input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens", "findings"),
)


@dataclass(frozen=True)
class SessionsSeen:
    """The sessions that one may see: one row each, those too that are not processed yet, with
    `processed` and `tokens`. The one source of list, cards, facets and heatmap. Bindable."""

    summaries: Seen
    files: Seen

    @classmethod
    def by(cls, principal: Any) -> SessionsSeen:
        return cls(Seen(USAGE_SESSION_SUMMARY, principal), Seen(SESSION_FILES, principal))

    def rows(self) -> ir.Table:
        done, files = self.summaries.rows(), self.files.rows()
        waiting = files.filter(files.parent.isnull()).anti_join(done, "session_file")
        known = {
            "session_file": waiting.session_file,
            "user_id": waiting.user_id,
            "uploaded_at": waiting.first_uploaded_at,
        }
        columns = {
            name: known.get(name, ibis.literal(0 if name in _ZERO else None))
            for name in USAGE_SESSION_SUMMARY.schema
        }
        # A union wants equal types: what may be null on one side may be so on both.
        kinds = {name: kind(nullable=True) for name, kind in USAGE_SESSION_SUMMARY.schema.items()}
        union = ibis.union(
            done.cast(kinds).mutate(processed=True),
            waiting.select(**columns).cast(kinds).mutate(processed=False),
        )
        return union.mutate(tokens=union.input_tokens + union.output_tokens)

    def shape(self) -> Hashable:
        return self.summaries.shape(), self.files.shape()

    def values(self) -> Mapping[str, Value]:
        return self.summaries.values()

    def bound(self, prefix: str) -> Self:
        return replace(self, summaries=self.summaries.bound(prefix), files=self.files.bound(prefix))


@dataclass(frozen=True)
class SessionFilter:
    """Which sessions: a window by `anchor` (naive UTC, both ends included), and `terms`, each of
    which must hold. Bindable."""

    anchor: str = "uploaded"
    since: datetime | None = None
    until: datetime | None = None
    terms: Mapping[str, str] = field(default_factory=dict)

    def apply(self, sessions: ir.Table, findings: ir.Table) -> ir.Table:
        tests = [TERMS[name](sessions, value, findings) for name, value in self.terms.items()]
        at = sessions[ANCHORS[self.anchor]]
        if self.since is not None:
            tests.append(at >= self.since)
        if self.until is not None:
            tests.append(at <= self.until)
        return sessions.filter(tests) if tests else sessions

    def shape(self) -> Hashable:
        return self.anchor, self.since is None, self.until is None, tuple(self.terms)

    def values(self) -> Mapping[str, Value]:
        times = {"since": self.since, "until": self.until}
        return {
            **{name: at for name, at in times.items() if at is not None},
            **{f"t_{name}": value for name, value in self.terms.items()},
        }

    def bound(self, prefix: str) -> Self:
        points = {key: point(prefix + key, value) for key, value in self.values().items()}
        terms = {name: points[f"t_{name}"] for name in self.terms}
        return replace(self, since=points.get("since"), until=points.get("until"), terms=terms)


def _with_finding(sessions: Any, value: Any, findings: Any) -> Any:
    found = findings.filter(findings.finding_type == value)
    return sessions.session_file.isin(found.session_file)


# What a term's value must do to a session; all but `has_finding` need the session alone.
TERMS: Mapping[str, Any] = {
    "user_id": lambda rows, value, _: rows.user_id == value,
    "username": lambda rows, value, _: rows.username == value,
    "session_file": lambda rows, value, _: rows.session_file == value,
    "model": lambda rows, value, _: rows.primary_model == value,
    "verdict": lambda rows, value, _: rows.verdict == value,
    "only_errors": lambda rows, value, _: (rows.tool_errors > 0) & (value == "true"),
    "has_finding": _with_finding,
    "q": lambda rows, value, _: (
        (rows.session_file.lower() + "\n" + rows.session_id.fill_null("").lower())
        + ("\n" + rows.username.fill_null("").lower())
    ).contains(value),
}


def matching(seen: SessionsSeen, found: Seen, filter: SessionFilter) -> ir.Table:
    """The sessions that match, each once."""
    return filter.apply(seen.rows(), found.rows())


def listed(
    seen: SessionsSeen, found: Seen, filter: SessionFilter, sort: str, limit: int, offset: int
) -> ir.Table:
    """One page of sessions. `sort` is `<key>:asc` or `:desc`; those without a value come last, ties
    are broken by `session_file`."""
    rows = matching(seen, found, filter)
    key, _, direction = sort.partition(":")
    column: Any = rows[SORTS[key]]
    main = column.asc(nulls_first=False) if direction == "asc" else column.desc(nulls_first=False)
    return rows.order_by([main, rows.session_file]).limit(limit, offset=offset)


def counted(seen: SessionsSeen, found: Seen, filter: SessionFilter) -> ir.Table:
    """`total`: how many sessions match."""
    rows = matching(seen, found, filter)
    return rows.aggregate(total=rows.count())


# -- findings


@dataclass(frozen=True)
class FindingFilter:
    """Which findings: of which sessions, and of which kind. Bindable."""

    sessions: SessionFilter
    terms: Mapping[str, str] = field(default_factory=dict)

    def apply(self, seen: SessionsSeen, found: Seen) -> ir.Table:
        findings = found.rows()
        for name, value in self.terms.items():
            findings = findings.filter(findings[name] == value)
        sessions = self.sessions.apply(seen.rows(), found.rows())
        about = sessions.select("session_file", at=sessions[ANCHORS[self.sessions.anchor]])
        return findings.join(about, "session_file")

    def shape(self) -> Hashable:
        return self.sessions.shape(), tuple(self.terms)

    def values(self) -> Mapping[str, Value]:
        return {
            **{f"s_{key}": value for key, value in self.sessions.values().items()},
            **{f"f_{name}": value for name, value in self.terms.items()},
        }

    def bound(self, prefix: str) -> Self:
        terms = {name: point(f"{prefix}f_{name}", value) for name, value in self.terms.items()}
        return replace(self, sessions=self.sessions.bound(f"{prefix}s_"), terms=terms)


FINDING_TERMS = ("finding_type", "subtype", "severity", "session_file")


@dataclass(frozen=True)
class After:
    """The finding after which a page begins, as its session's time and its id; None at the top.
    Bindable."""

    ts: datetime | None = None
    id: str | None = None

    def shape(self) -> Hashable:
        return self.ts is None

    def values(self) -> Mapping[str, Value]:
        return {} if self.ts is None or self.id is None else {"ts": self.ts, "id": self.id}

    def bound(self, prefix: str) -> Self:
        points = {key: point(prefix + key, value) for key, value in self.values().items()}
        return replace(self, **points)


def findings(
    seen: SessionsSeen, found: Seen, filter: FindingFilter, after: After, limit: int
) -> ir.Table:
    """One page of findings, the newest session first; `at` is its session's time."""
    rows = filter.apply(seen, found)
    if after.ts is not None:
        earlier = (rows.at < after.ts) | (rows.id < after.id)
        rows = rows.filter((rows.at <= after.ts) & earlier)
    return rows.order_by([ibis.desc("at"), ibis.desc("id")]).limit(limit)


def of_session(found: Seen, session_file: Any) -> ir.Table:
    """All findings of one session, in the order of its conversation."""
    rows = found.rows()
    mine = rows.filter(rows.session_file == session_file.text)
    return mine.order_by(["turn_index", "line_no", "id"])


def per_week(seen: SessionsSeen, found: Seen, filter: FindingFilter) -> ir.Table:
    """`week` (its Monday), `finding_type`, `findings`, `sessions`: the heatmap."""
    rows = filter.apply(seen, found)
    dated = rows.mutate(week=rows["at"].truncate("W").date())
    return (
        dated.group_by("week", "finding_type")
        .agg(findings=dated.count(), sessions=dated.session_file.nunique())
        .order_by(["week", "finding_type"])
    )
