"""What was reported and what became of it: sixty days of reports, as the inbox keeps them.

A report comes, joins the group with its fingerprint or begins one; admins take a group up, merge
what is the same, answer, and it may come back. Each change leaves what it leaves in the console: a
version, a row of history, a row of the audit log.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count, cycle
from typing import Any

import numpy as np
import orjson

from ingest.seed.draws import HOUR, Ints, Random, as_times, source, weighted
from ingest.seed.ids import uuid7
from ingest.seed.people import Crowd
from ingest.seed.problems import CLAUDE_CODE, PROBLEMS, SYSTEMS, VERSIONS, Problem
from ingest.seed.quoted import Quoted
from ingest.seed.rhythm import Rhythm

Row = dict[str, Any]
DAY = 24 * HOUR
_EARLIER = 0.4  # of them came in the 30 days before the window
# What becomes of one group after the other: a few are enough to have some of each.
_FATES = (
    *("resolved", "triaged", "wontfix", "resolved", "ignored"),
    *("resolved", "resolved", "triaged", "resolved", "ignored"),
)
_POPULAR = 0.9  # how much more often the first problems are reported than the last
_FOR_GOOD = 0.75  # of what is resolved
_REWORDED = 0.25  # of those who report something known


@dataclass(frozen=True)
class Event:
    """What the audit log says of a report: who (a place in the crowd) did what to it, when."""

    time: int
    action: str
    actor: int
    resource: str
    params: Row
    before: Row | None = None


@dataclass
class Expected:
    """A report that will come: who says which words about what, with what of a session."""

    time: int
    id: str
    reporter: int
    problem: Problem
    message: str
    told: Row


@dataclass
class Reports:
    """Rows as they stand in the end. Times are microseconds."""

    rows: list[Row] = field(default_factory=list)
    history: list[Row] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    def group(self, head: Row) -> list[Row]:
        return [row for row in self.rows if head["id"] in (row["id"], row["merged_into"])]


def reported(
    seed: int, total: int, rhythm: Rhythm, crowd: Crowd, sessions: Quoted | None
) -> Reports:
    """`total` reports. `sessions`: what of sessions goes along."""
    rng = source(seed, "reports")
    company = _Inbox(rng, crowd, rhythm.window.end)
    who = weighted(rng, crowd.weight, total)
    times = rhythm.office(rng, crowd.zone[who])
    times = times - np.where(rng.random(total) < _EARLIER, 30 * DAY, 0)
    owners, times, calls = _with_sessions(rng, rhythm, who, times, sessions)
    order = np.argsort(times, kind="stable")
    ids = uuid7(seed, "reports", times[order], np.arange(total)).to_pylist()
    rank = 1 / (np.arange(len(PROBLEMS)) + 1.0) ** _POPULAR
    problems = weighted(rng, rank, total).tolist()
    reworded = (rng.random(total) < _REWORDED).tolist()
    for place, at in enumerate(order.tolist()):
        told = sessions.told(int(calls[at])) if sessions and calls[at] >= 0 else {}
        problem = PROBLEMS[problems[place]]
        message = problem.messages[-1 if reworded[place] else 0]
        who_, when = int(owners[at]), int(times[at])
        company.expect(Expected(when, ids[place], who_, problem, message, told))
    company.run()
    _named(seed, company.made.history)
    return company.made


def _with_sessions(
    rng: Random, rhythm: Rhythm, who: Ints, times: Ints, sessions: Quoted | None
) -> tuple[Ints, Ints, Ints]:
    """Most reports of the window are about a session that had just gone wrong: its owner's."""
    owners, calls = who.copy(), np.full(len(who), -1)
    if sessions is None or len(sessions.calls) == 0:
        return owners, times, calls
    about = np.flatnonzero((times >= rhythm.window.start) & (rng.random(len(who)) < 0.55))
    calls[about] = sessions.calls[rng.integers(0, len(sessions.calls), len(about))]
    owners[about] = sessions.owner(calls[about])
    later = (rng.random(len(about)) * 3 * HOUR).astype(np.int64) + HOUR // 60
    times = times.copy()
    times[about] = np.minimum(sessions.uploaded(calls[about]) + later, rhythm.window.end - 1)
    return owners, times, calls


class _Inbox:
    """What happens, in order of time: reports that are expected, and what admins do about them."""

    def __init__(self, rng: Random, crowd: Crowd, end: int) -> None:
        self.rng, self.crowd, self.end = rng, crowd, end
        self.made = Reports()
        self._queue: list[tuple[int, int, Any]] = []
        self._number = count()
        self._heads: dict[str, Row] = {}  # by fingerprint
        self._first: dict[str, Row] = {}  # the first report of each problem
        self._expected: list[Expected] = []  # in order of time
        self._returned = 0
        self._fates = cycle(_FATES)

    def expect(self, report: Expected) -> None:
        self._expected.append(report)
        self._later(report.time, lambda: self._come(report))

    def run(self) -> None:
        while self._queue:
            heappop(self._queue)[2]()

    def _later(self, time: int, act: Any) -> None:
        if time < self.end:
            heappush(self._queue, (time, next(self._number), act))

    def _come(self, report: Expected) -> None:
        time, id, reporter = report.time, report.id, report.reporter
        print_ = fingerprint(report.message, report.told.get("signature", ""))
        head = self._heads.get(print_)
        row = {**self._row(report), "fingerprint": print_}
        before = self.made.group(head) if head else []
        self.made.rows.append(row)
        row["merged_into"] = head["id"] if head else None
        known = _known(head, before) if head else None
        reopened = head is not None and head["status"] == "resolved"
        answer = {"duplicates": len(before), "reopened": reopened, "known": known}
        self._note(time, reporter, row, "created", answer=answer)
        if head:
            self._note(time, reporter, head, "duplicate", report=id)
        if head and reopened:
            self._reopen(time, reporter, head, row)
            self._take_up(time + int(self.rng.uniform(1, 30) * HOUR), head, report.problem)
        self._say(time, "feedback.report", reporter, row, _sent(row, reopened=reopened))
        if head is None:
            self._heads[print_] = row
            self._begin(time, row, report.problem)

    def _row(self, report: Expected) -> Row:
        # Who reports later has a newer agnes.
        told, time = report.told, report.time
        age = (self.end - time) / (60 * DAY)
        version = VERSIONS[min(int((1 - age) * len(VERSIONS)), len(VERSIONS) - 1)]
        drawn = self.rng.integers(0, 6, 2).tolist()
        environment = {
            "agnes": version,
            "claude_code": CLAUDE_CODE[drawn[0] % len(CLAUDE_CODE)],
            "os": SYSTEMS[drawn[1] % len(SYSTEMS)],
            "python": "3.11.9",
            **({"project": told["project"]} if told else {}),
        }
        kept = ("session_file", "session_excerpt", "excerpt_turns", "error", "anchor_uuid")
        return {
            "id": report.id,
            "created_at": time,
            "updated_at": time,
            "reporter_user": self.crowd.ids[report.reporter],
            "message": report.message,
            "category": report.problem.category,
            "environment": orjson.dumps(environment).decode(),
            "idempotency_key": f"seed-{report.id}",
            "version": 1,
            "status": "open",
            "reopened": 0,
            "kept_apart": False,
            **dict.fromkeys(("assignee", "tags", "resolution", "fixed_in")),
            **dict.fromkeys(("resolved_at", "resolved_by")),
            **{name: told.get(name) for name in kept},
        }

    def _begin(self, time: int, head: Row, problem: Problem) -> None:
        """A new group: an admin says that it is an old one, or takes it up."""
        if not self.crowd.admins:
            return
        first = self._first.setdefault(problem.messages[0], head)
        seen = time + int(self.rng.uniform(1, 40) * HOUR)
        if first is not head and self.rng.random() < 0.6:
            self._later(seen, lambda: self._merge(seen, head, first))
            return
        self._take_up(seen, head, problem)

    def _take_up(self, seen: int, head: Row, problem: Problem) -> None:
        fate = next(self._fates)
        if fate == "resolved" and problem.answer is None:
            fate = "triaged"
        admin = self._admin()
        if fate == "ignored":
            return
        id = self.crowd.ids[admin]
        taken = {"status": "triaged", "assignee": id}
        if problem.tags:
            taken["tags"] = orjson.dumps(list(problem.tags)).decode()
        self._later(seen, lambda: self._change(seen, admin, head, taken))
        if fate == "triaged":
            return
        done = seen + int(self.rng.uniform(0.3, 5) * DAY)
        closed: Row = {"status": fate, "resolved_at": done, "resolved_by": id}
        if fate == "resolved":
            closed |= {"resolution": problem.answer, "fixed_in": problem.fixed_in}
        else:
            closed["resolution"] = "Thank you. It is meant to be so, and will not be changed."
        self._later(done, lambda: self._change(done, admin, head, closed))

    def _admin(self) -> int:
        return self.crowd.admins[int(self.rng.integers(0, len(self.crowd.admins)))]

    def _change(self, time: int, actor: int, row: Row, wanted: Row) -> None:
        if row["merged_into"]:
            return  # somebody was faster
        new = {name: value for name, value in wanted.items() if row[name] != value}
        said = [name for name in new if name not in ("resolved_at", "resolved_by")]
        for name in said:
            self._note(time, actor, row, name, **{"from": _told(row, name), "to": _told(new, name)})
        before = {"version": row["version"], **{name: _told(row, name) for name in said}}
        self._write(time, row, new)
        params = {"report_id": row["id"], "version": row["version"], "changed": said}
        params |= {name: _told(new, name) for name in said}
        self._say(time, "feedback.update", actor, row, params, before)
        if new.get("status") == "resolved":
            self._return(time, row)

    def _return(self, time: int, row: Row) -> None:
        """It was not the end of it, now and then: the next who would have reported something else
        reports this."""
        if row["error"] or (self._returned and self.rng.random() < _FOR_GOOD):
            return
        rest = (one for one in self._expected if one.time > time + HOUR and not one.told)
        if report := next(rest, None):
            report.message = row["message"]
            report.problem = next(one for one in PROBLEMS if row["message"] in one.messages)
            self._returned += 1

    def _merge(self, time: int, row: Row, into: Row) -> None:
        head = next((one for one in self.made.rows if one["id"] == into["merged_into"]), into)
        if row["merged_into"] or head is row:
            return
        actor, moved = self._admin(), self.made.group(row)
        before = {one["id"]: one["merged_into"] for one in moved}
        for one in moved:
            self._note(time, actor, one, "merged", **{"from": one["merged_into"], "to": head["id"]})
            self._note(time, actor, head, "merged", report=one["id"])
            self._write(time, one, {"merged_into": head["id"]})
        self._heads[row["fingerprint"]] = head
        params = {"into": head["id"], "ids": [one["id"] for one in moved]}
        self._say(time, "feedback.merge", actor, head, params, {"merged_into": before})

    def _reopen(self, time: int, reporter: int, head: Row, by: Row) -> None:
        values = {"status": "open", "resolved_at": None, "resolved_by": None}
        self._write(time, head, {**values, "reopened": head["reopened"] + 1})
        version = orjson.loads(by["environment"])["agnes"]
        change = {"from": "resolved", "to": "open", "report": by["id"], "version": version}
        self._note(time, reporter, head, "reopened", **change)

    def _write(self, time: int, row: Row, values: Row) -> None:
        row.update(values, version=row["version"] + 1, updated_at=time)

    def _note(self, time: int, actor: int, row: Row, what: str, **more: Any) -> None:
        change = orjson.dumps({"what": what, **more}).decode()
        about = {"report_id": row["id"], "at": time, "actor": self.crowd.ids[actor]}
        self.made.history.append({**about, "change": change})

    def _say(
        self, time: int, action: str, actor: int, row: Row, params: Row, before: Row | None = None
    ) -> None:
        kept = {name: value for name, value in params.items() if value is not None}
        self.made.events.append(Event(time, action, actor, f"report:{row['id']}", kept, before))


def fingerprint(message: str, signature: str) -> str:
    """As the console reckons it, of messages without numbers, paths and the like."""
    text = f"{message.casefold()}\0{signature}"
    return hashlib.sha256(text.encode()).hexdigest()


def _known(head: Row, members: Sequence[Row]) -> Row:
    times = [_text(member["created_at"]) for member in members]
    return {
        "fingerprint": head["fingerprint"],
        "reports": len(members),
        "reporters": len({member["reporter_user"] for member in members}),
        **{name: head[name] for name in ("status", "resolution", "fixed_in")},
        "first_at": min(times),
        "last_at": max(times),
    }


def _text(time: int) -> str:
    return f"{np.datetime_as_string(as_times(np.array([time]))[0], unit='us')}Z"


def _told(row: Row, name: str) -> Any:
    return orjson.loads(row[name] or "[]") if name == "tags" else row[name]


def _sent(row: Row, *, reopened: bool) -> Row:
    kept = ("fingerprint", "category", "session_file", "excerpt_turns")
    return {
        "ack_preview": True,
        "report_id": row["id"],
        **{name: row[name] for name in kept},
        "duplicate_of": row["merged_into"],
        "reopened": reopened or None,
    }


def _named(seed: int, history: list[Row]) -> None:
    """Ids in the order in which it happened."""
    times = np.array([row["at"] for row in history], np.int64)
    ids = uuid7(seed, "report changes", times, np.arange(len(times))).to_pylist()
    for row, id in zip(history, ids, strict=True):
        row["id"] = id


def in_window(events: Sequence[Event], start: int) -> Iterator[Event]:
    """Those that the log still knows, in order of time."""
    yield from sorted((one for one in events if one.time >= start), key=lambda one: one.time)
