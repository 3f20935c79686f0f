"""Which reports: the one filter of list, cards, facets, export and page."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Self

import ibis.expr.types as ir

from schema.bind import Value, point

NONE = "none"  # as a value: reports that have none
NULLABLE = {"category": "category", "assignee": "assignee", "tag": "tags"}
HEADS = ("id", "head_id", "session_file")


@dataclass(frozen=True)
class FeedbackFilter:
    """Reports sent within a window (naive UTC, both ends included) for which each of `terms` holds;
    `heads`: a list shows the heads of their groups instead of themselves. Bindable."""

    since: datetime | None = None
    until: datetime | None = None
    terms: Mapping[str, Any] = field(default_factory=dict)
    heads: bool = True

    def apply(self, reports: ir.Table, findings: ir.Table | None) -> ir.Table:
        """`findings`: needed where the filter asks for one (`finds`)."""
        tests = [self._test(name, reports, findings) for name in self.terms]
        if self.since is not None:
            tests.append(reports.created_at >= self.since)
        if self.until is not None:
            tests.append(reports.created_at <= self.until)
        return reports.filter(tests) if tests else reports

    @property
    def finds(self) -> bool:
        """Whether it asks for what was found in sessions. Depends on the shape alone."""
        return "finding" in self.terms

    def _test(self, name: str, reports: ir.Table, findings: ir.Table | None) -> Any:
        value = self.terms[name]
        if self._empty(name):
            column = reports[NULLABLE[name]]
            return column.isnull() | (column == "[]")
        if name == "finding":
            if findings is None:
                raise ValueError("this needs the findings of sessions")
            found = findings.filter(findings.finding_type == value)
            return reports.session_file.isin(found.session_file)
        return TERMS[name](reports, value)

    def _empty(self, name: str) -> bool:
        value = self.terms[name]
        return name in NULLABLE and isinstance(value, str) and value == NONE

    def _given(self) -> dict[str, Value]:
        found = {"since": self.since, "until": self.until}
        return {name: value for name, value in found.items() if value is not None}

    def shape(self) -> Hashable:
        terms = tuple((name, self._empty(name)) for name in self.terms)
        return self.heads, tuple(self._given()), terms

    def values(self) -> Mapping[str, Value]:
        bound = {f"t_{name}": self.terms[name] for name in self.terms if not self._empty(name)}
        return {**self._given(), **bound}

    def bound(self, prefix: str) -> Self:
        points = {key: point(prefix + key, value) for key, value in self.values().items()}
        return replace(
            self,
            since=points.get("since"),
            until=points.get("until"),
            terms={name: points.get(f"t_{name}", NONE) for name in self.terms},
        )


def _has_text(rows: ir.Table, value: Any) -> Any:
    texts = (rows.message, rows.error, rows.resolution, rows.session_file, rows.id)
    whole = texts[0].fill_null("")
    for text in texts[1:]:
        whole = whole + "\n" + text.fill_null("")
    return whole.lower().contains(value)


# What a term's value must do to a report.
TERMS: Mapping[str, Any] = {
    "status": lambda rows, value: rows.status == value,
    "category": lambda rows, value: rows.category == value,
    "tag": lambda rows, value: rows.tags.try_cast("array<string>").contains(value),
    "assignee": lambda rows, value: rows.assignee == value,
    "reporter": lambda rows, value: rows.reporter_user == value,
    "fingerprint": lambda rows, value: rows.fingerprint == value,
    "session_file": lambda rows, value: rows.session_file == value,
    "has_session": lambda rows, value: rows.session_file.notnull() == (value == "true"),
    "finding": None,
    "q": _has_text,
}
