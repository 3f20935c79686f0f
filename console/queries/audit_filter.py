"""The one filter of the audit log. Timeline, KPIs, facets, histogram, export and notebooks all
apply this one."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import reduce
from typing import Any, Self

import ibis.expr.types as ir

from console.queries.vocabulary import SELF_READS, with_derived
from schema.bind import Value, point

NONE = "none"  # as a value: rows that have none

Condition = Callable[[ir.Table, Any], Any]


def _equal(column: str) -> Condition:
    return lambda rows, value: rows[column] == value


def _prefix(column: str) -> Condition:
    return lambda rows, value: rows[column].startswith(value)


# What a term's value must do to a row. Values are plain text or bind points.
FIELDS: dict[str, Condition] = {
    "user_id": _equal("user_id"),
    "action_prefix": _prefix("action"),
    "action_in": _equal("action"),
    "resource": _equal("resource"),
    "resource_prefix": _prefix("resource"),
    "result": lambda rows, value: (rows.result_class == value) | rows.result.startswith(value),
    "result_is": _equal("result"),
    "result_pattern": lambda rows, value: rows.result.like(value),
    "result_class": _equal("result_class"),
    "source": _equal("source"),
    "client_kind": _equal("client_kind"),
    "correlation_id": _equal("correlation_id"),
    "q": lambda rows, value: rows.search.contains(value),
}
# Columns that may be empty: there the value `none` means exactly that; with `_is` it is a text.
NULLABLE = {"user_id": "user_id", "resource": "resource", "client_kind": "client_kind"}
FIELDS |= {f"{name}_is": _equal(column) for name, column in NULLABLE.items()}


@dataclass(frozen=True)
class Term:
    """One condition: any of `values` holds, or, `excluded`, none of them does."""

    field: str
    values: tuple[Any, ...]
    excluded: bool = False

    def shape(self) -> Hashable:
        return self.field, self.excluded, tuple(self._empty(value) for value in self.values)

    def condition(self, rows: ir.Table) -> Any:
        tests = [
            rows[NULLABLE[self.field]].isnull()
            if self._empty(value)
            else FIELDS[self.field](rows, value)
            for value in self.values
        ]
        any_of = reduce(lambda left, right: left | right, tests)
        return ~any_of.fill_null(False) if self.excluded else any_of

    def _empty(self, value: Any) -> bool:
        return self.field in NULLABLE and isinstance(value, str) and value == NONE


@dataclass(frozen=True)
class AuditFilter:
    """Which rows: a window (naive UTC, both ends included), terms that must all hold, and whether
    the reads of the four pages themselves are shown. Bindable: one compiled query serves all
    filters of one shape."""

    since: datetime | None = None
    until: datetime | None = None
    terms: tuple[Term, ...] = ()
    include_self_reads: bool = False

    def apply(self, rows: ir.Table) -> ir.Table:
        """The rows that match, with `source` and `result_class`."""
        events = with_derived(rows)
        tests = [term.condition(events) for term in self.terms]
        if self.since is not None:
            tests.append(events.timestamp >= self.since)
        if self.until is not None:
            tests.append(events.timestamp <= self.until)
        if not self.include_self_reads:
            tests.append(~events.action.isin(SELF_READS))
        return events.filter(tests) if tests else events

    def shape(self) -> Hashable:
        return (
            self.since is None,
            self.until is None,
            tuple(term.shape() for term in self.terms),
            self.include_self_reads,
        )

    def values(self) -> Mapping[str, Value]:
        found: dict[str, Value] = {
            f"t{number}_{place}": value
            for number, term in enumerate(self.terms)
            for place, value in enumerate(term.values)
            if not term._empty(value)
        }
        if self.since is not None:
            found["since"] = self.since
        if self.until is not None:
            found["until"] = self.until
        return found

    def bound(self, prefix: str) -> Self:
        points = {key: point(prefix + key, value) for key, value in self.values().items()}
        return replace(
            self,
            since=points.get("since"),
            until=points.get("until"),
            terms=tuple(
                replace(
                    term,
                    values=tuple(
                        points.get(f"t{number}_{place}", NONE) for place in range(len(term.values))
                    ),
                )
                for number, term in enumerate(self.terms)
            ),
        )

    def and_(self, *terms: Term) -> AuditFilter:
        return replace(self, terms=(*self.terms, *terms))

    def between(self, since: datetime | None, until: datetime | None) -> AuditFilter:
        return replace(self, since=since, until=until)
