"""What the weekly reports tell: one week of sessions and telemetry, of everybody or of one group,
beside the week before. A week begins on Monday in UTC; sessions count in the week they came. All of
it blocks: call it through `store.offload`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from console import session_reader, sessions, telemetry
from console.instance import Instance
from console.queries import members, reports
from console.queries.members import SeenOf
from console.queries.session_findings import FindingFilter
from console.queries.sessions import FINDING_TYPES, SessionFilter, SessionsSeen
from console.queries.telemetry_filter import TelemetryFilter
from console.session_filter import monday
from console.telemetry.cost import cost
from schema.bind import Text
from schema.errors import BadParameter, NotFound, shorten
from schema.policy import Principal, Seen
from schema.table import Table
from schema.tables import SESSION_FINDINGS

Row = dict[str, Any]
WEEK = timedelta(days=7)
EARLIER = timedelta(days=28)  # a tool that did not fail for so long fails anew
SHOWN_WEEKS = 8  # of the heatmap
WORST, REPEATED = 10, 20
KINDS = {"skills": "skill", "subagents": "subagent", "mcp": "mcp_server", "tools": "tool_name"}
_INSTANT = timedelta(microseconds=1)  # both ends of a window are in it
_SORT = "findings:desc"


@dataclass(frozen=True)
class _Sessions(session_reader.Reader):
    """`people`: whose alone; None for everybody's."""

    people: tuple[str, ...] | None = None

    @property
    def seen(self) -> SessionsSeen:
        whole = SessionsSeen.by(self.principal)
        parts = (whole.summaries, whole.files, whole.found)
        return SessionsSeen(*(_of(part.table, self.principal, self.people) for part in parts))

    def seen_for(self, filter: SessionFilter) -> SessionsSeen:
        return self.seen

    @property
    def found(self) -> Seen:
        return _of(SESSION_FINDINGS, self.principal, self.people)


@dataclass(frozen=True)
class _Telemetry(telemetry.Reader):
    people: tuple[str, ...] | None = None

    def of(self, table: Table) -> Seen:
        return _of(table, self.principal, self.people)


def _of(table: Table, principal: Principal, people: tuple[str, ...] | None) -> Seen:
    return Seen(table, principal) if people is None else SeenOf(table, principal, people)


@dataclass(frozen=True)
class Scope:
    """Which week (its Monday at midnight), and of whom. `group`: `{id, name, people}`, or None."""

    sessions: _Sessions
    telemetry: _Telemetry
    week: datetime
    now: datetime
    group: Row | None = None

    def told(self) -> Row:
        """What a report says of itself. `is_over`: nothing more can come into this week."""
        return {
            "week": self.week.date().isoformat(),
            "since": self.week,
            "until": self.week + WEEK,
            "is_over": self.week + WEEK <= self.now,
            "group": self.group,
        }


def scope(
    instance: Instance, principal: Principal, given: Mapping[str, str], now: datetime
) -> Scope:
    """`week` (ISO date of a Monday; the last one that is over) and `group` (id or name; everybody).
    Raises BadParameter, and NotFound for a group that there is not."""
    this = datetime(now.year, now.month, now.day) - timedelta(days=now.weekday())
    week = monday(given["week"]) if given.get("week") else this - WEEK
    if week > this:
        raise BadParameter("week", given["week"], f"a Monday up to {this:%Y-%m-%d}")
    people, group = None, None
    if name := given.get("group"):
        group, people = _group(instance, name)
    of_sessions = _Sessions(instance, principal, people)
    return Scope(of_sessions, _Telemetry(instance, principal, people), week, now, group)


def _group(instance: Instance, name: str) -> tuple[Row, tuple[str, ...]]:
    found = instance.store.rows(members.groups, Text(name))
    if not found:
        raise NotFound(f"no group {shorten(name)}", detail="`agnes admin groups list` lists them.")
    rows = instance.store.rows(members.members, Text(found[0]["id"]))
    people = tuple(row["user_id"] for row in rows)
    return {**found[0], "people": len(people)}, people


def weekly(of: Scope) -> Row:
    """What changed against the week before. `findings` by kind; `tools` with rates and intervals;
    `failing`: tools that failed and had not in the four weeks before; `used` by kind, the most used
    first; `cost`; `heatmap` of the last weeks as the sessions page has it."""
    now, then = of.week, of.week - WEEK
    heatmap = sessions.heatmap(
        of.sessions, _sessions_of(now - (SHOWN_WEEKS - 1) * WEEK, now + WEEK)
    )
    return {
        **of.told(),
        "sessions": _both(of, lambda at: sessions.kpis(of.sessions, _sessions_of(at, at + WEEK))),
        "tools": _both(of, lambda at: telemetry.kpis(of.telemetry, _events_of(at, at + WEEK))),
        "findings": _findings(heatmap, now, then),
        "failing": _failing(of),
        "used": {kind: _used(of, group) for kind, group in KINDS.items()},
        "cost": _both(of, lambda at: cost(of.telemetry, _events_of(at, at + WEEK))),
        "heatmap": heatmap,
    }


def _both(of: Scope, read: Any) -> Row:
    return {"now": read(of.week), "before": read(of.week - WEEK)}


def _sessions_of(since: datetime, end: datetime) -> SessionFilter:
    return SessionFilter("uploaded", since, end - _INSTANT)


def _events_of(since: datetime, end: datetime) -> TelemetryFilter:
    return TelemetryFilter(since, end - _INSTANT)


def _findings(heatmap: Row, now: datetime, then: datetime) -> list[Row]:
    cells = {(cell["week"], cell["finding_type"]): cell for cell in heatmap["cells"]}
    nothing = {"findings": 0, "sessions": 0}

    def figures(week: datetime, kind: str) -> Row:
        cell = cells.get((week.date().isoformat(), kind), nothing)
        return {name: cell[name] for name in nothing}

    return [
        {"finding_type": kind, **figures(now, kind), "before": figures(then, kind)}
        for kind in FINDING_TYPES
    ]


def _calls(of: Scope, group: str, since: datetime, end: datetime) -> dict[str, Row]:
    reader = of.telemetry
    rows = reader.ask(reports.used, reader.seen, _events_of(since, end), group)
    return {row["name"]: row for row in rows}


def _failing(of: Scope) -> list[Row]:
    """The most errors first; `is_new`: nobody had called it in those four weeks."""
    now = _calls(of, "tool_name", of.week, of.week + WEEK)
    earlier = _calls(of, "tool_name", of.week - EARLIER, of.week)
    rows = [
        {**row, **telemetry.rates(row["errors"], row["calls"]), "is_new": name not in earlier}
        for name, row in now.items()
        if row["errors"] and not (name in earlier and earlier[name]["errors"])
    ]
    return sorted(rows, key=lambda row: (-row["errors"], row["name"]))


def _used(of: Scope, group: str) -> list[Row]:
    now = _calls(of, group, of.week, of.week + WEEK)
    before = _calls(of, group, of.week - WEEK, of.week)
    rows = [
        {
            "name": name,
            **{figure: now[name][figure] if name in now else 0 for figure in ("calls", "people")},
            "before": before[name]["calls"] if name in before else 0,
        }
        for name in now | before
    ]
    return sorted(rows, key=lambda row: (-row["calls"], -row["before"], row["name"]))


def failures(of: Scope) -> Row:
    """`worst`: the sessions that failed, then those that struggled, then all others with a finding,
    each with its findings in their order; `repeated`: what went wrong alike, in the most sessions
    first, with `examples`; `sessions`: the figures of the week. At most WORST and REPEATED; `more`
    says how many sessions have findings in all."""
    filter = _sessions_of(of.week, of.week + WEEK)
    figures = sessions.kpis(of.sessions, filter)
    worst = [
        {**_line(row), "findings": sessions.of_session(of.sessions, row["session_file"])}
        for row in _worst(of, filter)
    ]
    return {
        **of.told(),
        "sessions": figures,
        "worst": worst,
        "repeated": _repeated(of, FindingFilter(filter)),
    }


def _worst(of: Scope, filter: SessionFilter) -> list[Row]:
    found: dict[str, Row] = {}
    for terms in ({"verdict": "failed"}, {"verdict": "struggled"}, {}):
        narrowed = SessionFilter(filter.anchor, filter.since, filter.until, terms)
        page = sessions.page(of.sessions, narrowed, sort=_SORT, limit=WORST, offset=0)
        for row in page["rows"]:
            if row["findings"] and len(found) < WORST:
                found.setdefault(row["session_file"], row)
    return [*found.values()]


_LINE = ("session_file", "user_id", "user_name", "user_email", "verdict", "tool_calls")


def _line(row: Row) -> Row:
    return {name: row[name] for name in (*_LINE, "tool_errors", "uploaded_at")}


def _repeated(of: Scope, filter: FindingFilter) -> list[Row]:
    reader, events = of.sessions, of.telemetry.seen
    groups = reader.ask(reports.repeated, reader.seen, events, filter, REPEATED)
    shown = reader.named(reader.ask(reports.examples, reader.seen, events, filter))
    shown.sort(key=lambda row: row["place"])
    keys = ("tool", "finding_type", "subtype")
    examples: dict[tuple[Any, ...], list[Row]] = {}
    for row in shown:
        examples.setdefault(tuple(row[key] for key in keys), []).append(row)
    return [
        {**group, "examples": examples.get(tuple(group[key] for key in keys), [])}
        for group in groups
    ]
