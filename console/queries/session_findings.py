"""Questions about what was found in sessions. Each takes the sessions one may see and a filter."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Self

import ibis
import ibis.expr.types as ir

from console.queries.sessions import ANCHORS, SessionFilter, SessionsSeen
from schema.bind import Text, Texts, Value, point
from schema.policy import Seen

FINDING_TERMS = ("finding_type", "subtype", "severity", "session_file")


@dataclass(frozen=True)
class FindingFilter:
    """Which findings: of which sessions, and of which kind. Bindable."""

    sessions: SessionFilter
    terms: Mapping[str, str] = field(default_factory=dict)

    def apply(self, seen: SessionsSeen) -> ir.Table:
        """The findings that match; `at` is their session's time."""
        findings = seen.found.rows()
        for name, value in self.terms.items():
            findings = findings.filter(findings[name] == value)
        sessions = seen.matching(self.sessions)
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


def findings(seen: SessionsSeen, filter: FindingFilter, after: After, limit: int) -> ir.Table:
    """One page of findings, the newest session first; `at` is its session's time."""
    rows = filter.apply(seen)
    if after.ts is not None:
        earlier = (rows.at < after.ts) | (rows.id < after.id)
        rows = rows.filter((rows.at <= after.ts) & earlier)
    return rows.order_by([ibis.desc("at"), ibis.desc("id")]).limit(limit)


def of_session(found: Seen, session_file: Any) -> ir.Table:
    """All findings of one session, in the order of its conversation."""
    rows = found.rows()
    mine = rows.filter(rows.session_file == session_file.text)
    return mine.order_by(["turn_index", "line_no", "id"])


def kinds(found: Seen, session_files: Texts) -> ir.Table:
    """`session_file, finding_type, findings` of some sessions, and the `turn` of the first of each
    kind."""
    rows = found.rows()
    of_these = rows.filter(rows.session_file.isin(session_files.column))
    return of_these.group_by("session_file", "finding_type").agg(
        findings=of_these.count(), turn=of_these.turn_index.min()
    )


def verdict(judged: Seen, session_file: Text) -> ir.Table:
    """`verdict, checks, decided_at` of one session, or nothing."""
    rows = judged.rows()
    mine = rows.filter(rows.session_file == session_file.text)
    return mine.select("verdict", "checks", "decided_at")


def per_week(seen: SessionsSeen, filter: FindingFilter) -> ir.Table:
    """`week` (its Monday), `finding_type`, `findings`, `sessions`: the heatmap. The row without a
    week and a type is all of it: a session with several kinds counts once in it."""
    rows = filter.apply(seen).select("session_file", "finding_type", "at")
    dated = rows.mutate(week=rows["at"].truncate("W").date())
    cells = dated.group_by("week", "finding_type").agg(
        findings=dated.count(), sessions=dated.session_file.nunique()
    )
    whole = dated.aggregate(findings=dated.count(), sessions=dated.session_file.nunique())
    nothing = {"week": ibis.null("date"), "finding_type": ibis.null("string")}
    cells = cells.cast({"finding_type": "string"})
    return ibis.union(cells, whole.select(**nothing, findings="findings", sessions="sessions"))
