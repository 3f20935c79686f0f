"""The one filter of the usage events. Cards, facets, groups, series, pivot, neighbours and exports
all apply this one."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Self

import ibis.expr.types as ir

from schema.bind import Value, point

NONE, ANY = "none", "any"  # as a value: events that have none; those that have one
OUTCOMES = ("ok", "error", "user_rejected", "policy_denied", "interrupted", "unresolved")
# Parameter -> the column that it asks for.
COLUMNS: Mapping[str, str] = {
    "user_id": "user_id",
    "username": "username",
    "tool_name": "tool_name",
    "source": "source",
    "ref_id": "ref_id",
    "event_type": "event_type",
    "skill": "skill_name",
    "subagent": "subagent_type",
    "mcp_server": "mcp_server",
    "model": "model",
    "outcome": "outcome",
}
_NAMES = ("tool_name", "skill_name", "subagent_type", "command_name")
_MCP = "mcp__"


def _mentions(rows: ir.Table, value: Any) -> Any:
    tests = [rows[name].lower().contains(value).fill_null(False) for name in _NAMES]
    first, *others = tests
    for test in others:
        first |= test
    return first


# Terms that are more than one column.
_MORE: Mapping[str, Callable[[ir.Table, Any], Any]] = {
    "only_errors": lambda rows, value: (rows.outcome == "error") & (value == "true"),
    "q": _mentions,
}
TERMS = (*COLUMNS, *_MORE)


@dataclass(frozen=True)
class TelemetryFilter:
    """Which events: a window (naive UTC, both ends included), and `terms`, each of which must hold;
    the value `none` asks for events without one, `any` for those that have one. Bindable."""

    since: datetime | None = None
    until: datetime | None = None
    terms: Mapping[str, Any] = field(default_factory=dict)

    def apply(self, events: ir.Table) -> ir.Table:
        """The events that match, with `mcp_server`: the server in `mcp__<server>__<tool>`."""
        name: Any = events.tool_name
        server = name.startswith(_MCP).ifelse(name.split("__")[1].nullif(""), None)
        return self.narrow(events.mutate(mcp_server=server))

    def narrow(self, rows: ir.Table) -> ir.Table:
        """The rows that match, as they are: for terms that do not ask for `mcp_server`."""
        tests = [self._test(rows, name, value) for name, value in self.terms.items()]
        if self.since is not None:
            tests.append(rows.occurred_at >= self.since)
        if self.until is not None:
            tests.append(rows.occurred_at <= self.until)
        return rows.filter(tests) if tests else rows

    def _test(self, rows: ir.Table, name: str, value: Any) -> Any:
        if name in _MORE:
            return _MORE[name](rows, value)
        return tested(rows[COLUMNS[name]], value)

    def shape(self) -> Hashable:
        terms = tuple(
            (name, value if name in COLUMNS and _kept(value) else "")
            for name, value in self.terms.items()
        )
        return self.since is None, self.until is None, terms

    def values(self) -> Mapping[str, Value]:
        times = {"since": self.since, "until": self.until}
        return {
            **{name: at for name, at in times.items() if at is not None},
            **{
                f"t_{name}": value
                for name, value in self.terms.items()
                if name not in COLUMNS or not _kept(value)
            },
        }

    def bound(self, prefix: str) -> Self:
        points = {key: point(prefix + key, value) for key, value in self.values().items()}
        terms = {name: points.get(f"t_{name}", value) for name, value in self.terms.items()}
        return replace(self, since=points.get("since"), until=points.get("until"), terms=terms)

    def between(self, since: datetime | None, until: datetime | None) -> Self:
        return replace(self, since=since, until=until)

    def only(self, *names: str) -> Self:
        """The same window, and of the terms only these."""
        kept = {name: value for name, value in self.terms.items() if name in names}
        return replace(self, terms=kept)


def tested(column: Any, value: Any) -> Any:
    """Whether a column has a value, or what `none` and `any` stand for."""
    if _kept(value):
        return column.isnull() if value == NONE else column.notnull()
    return column == value


def _kept(value: Any) -> bool:
    """Whether a value is part of the question itself rather than bound to it."""
    return isinstance(value, str) and value in (NONE, ANY)
