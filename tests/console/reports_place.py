"""Some weeks of made-up sessions, calls and findings, for the tests of reports."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from console.audit import new_id, now
from console.queries.sessions import FINDING_TYPES, VERDICTS
from schema.tables import (
    SESSION_FINDINGS,
    USAGE_EVENTS,
    USAGE_SESSION_SUMMARY,
    USER_GROUP_MEMBERS,
    USER_GROUPS,
)
from schema.transaction import Rows
from tests.console.access_world import World
from tests.console.telemetry_place import event

WEEK = datetime(2024, 3, 4)  # a Monday
DAYS = timedelta(days=1)
WEEKLY, FAILURES = "/api/jobs/reports/weekly", "/api/jobs/reports/failures"
HOSTILE = "</td><script>alert(1)</script><img src=x onerror=alert(1)>"
TOOLS = ("Bash", "Read", "mcp__agnes__query", HOSTILE)
OUTCOMES = ("ok", "ok", "ok", "error", "user_rejected", "policy_denied")
Row = dict[str, Any]


@dataclass
class Weeks:
    """What was written: plain rows, to reckon with."""

    people: list[str]
    group: str
    sessions: list[Row] = field(default_factory=list)
    events: list[Row] = field(default_factory=list)
    findings: list[Row] = field(default_factory=list)

    @property
    def members(self) -> list[str]:
        return self.people[:2]


def fill(world: World, seed: int, *, group: str) -> Weeks:
    """Five people, the first two of them in a group; sessions from six weeks before `WEEK` until
    two weeks after its begin, some at its very edges."""
    draw = random.Random(seed)
    made = Weeks([world.user() for _ in range(5)], new_id())
    edges = [timedelta(), 7 * DAYS - timedelta(microseconds=1), 7 * DAYS, -timedelta(seconds=1)]
    for number in range(80):
        gap = edges[number] if number < len(edges) else draw.uniform(-42, 14) * DAYS
        _session(made, draw, f"talk-{seed}-{number:02}", WEEK + gap)
    joined = [{"group_id": made.group, "user_id": one, "added_at": now()} for one in made.members]
    world.store.write(
        Rows(USER_GROUPS, [{"id": made.group, "name": group, "created_at": now()}]),
        Rows(USER_GROUP_MEMBERS, joined),
        Rows(USAGE_SESSION_SUMMARY, made.sessions),
        Rows(USAGE_EVENTS, made.events),
        Rows(SESSION_FINDINGS, made.findings),
    ).result()
    return made


def _session(made: Weeks, draw: random.Random, name: str, at: datetime) -> None:
    owner = draw.choice(made.people)
    key = f"{owner}/{name}.jsonl"
    outcomes = [draw.choice(OUTCOMES) for _ in range(draw.randrange(6))]
    found = [_finding(key, owner, draw, place) for place in range(draw.randrange(4))]
    for outcome in outcomes:
        called = {"tool_name": draw.choice(TOOLS), "outcome": outcome, "model": "claude-opus-4-5"}
        made.events.append(event(at, session_file=key, user_id=owner, **called))
    made.findings += found
    made.sessions.append(
        {
            "session_file": key,
            "session_id": name,
            "user_id": owner,
            "username": "somebody",
            "started_at": at,
            "uploaded_at": at,
            "tool_calls": len(outcomes),
            "tool_errors": outcomes.count("error"),
            "findings": len(found),
            "active_seconds": 60.0,
            "input_tokens": draw.randrange(1000),
            "output_tokens": draw.randrange(1000),
            "primary_model": "claude-opus-4-5",
            "verdict": draw.choice([*VERDICTS, None]),
            "extracted_at": now(),
        }
    )


def _finding(key: str, owner: str, draw: random.Random, place: int) -> Row:
    return {
        "id": new_id(),
        "session_file": key,
        "user_id": owner,
        "finding_type": draw.choice(FINDING_TYPES),
        "subtype": draw.choice(["exec", "structural"]),
        "severity": "warning",
        "turn_index": 10 * place,
        "line_no": 5,
        "count": draw.choice([1, 3]),
        "excerpt": draw.choice(["Exit code 1", HOSTILE, None]),
        "detected_at": now(),
    }


def within(rows: list[Row], column: str, weeks: int = 0, span: int = 1) -> list[Row]:
    """Rows of the week that begins `weeks` after `WEEK`, or of `span` weeks."""
    since = WEEK + 7 * weeks * DAYS
    return [row for row in rows if since <= row[column] < since + 7 * span * DAYS]
