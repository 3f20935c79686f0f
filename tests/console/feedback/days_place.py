"""Some days of made-up reports, for the tests of the digest: groups, answers, reopened ones."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest

from console.audit import new_id
from console.feedback.given import STATUSES
from schema.tables import FEEDBACK_HISTORY, FEEDBACK_REPORTS, SESSION_FINDINGS
from schema.transaction import Rows
from tests.console.access_world import World

DAY = timedelta(days=1)
PATH = "/api/jobs/reports/feedback"
HOSTILE = "</td><script>alert(1)</script>\n<img src=x onerror=alert(1)> \x1b[2J"
TAGS = ("sync", "export", HOSTILE)
EXCERPT = "a-word-of-the-excerpt"
Row = dict[str, Any]


# When the job runs in these tests, and the day that it tells of: they hold at midnight, too.
NOW, THE_DAY = datetime(2026, 5, 5, 5, 27), datetime(2026, 5, 4)


@contextmanager
def morning() -> Iterator[None]:
    """The server's clock, as far as it tells of days, stands at `NOW`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("console.api.reports.now", lambda: NOW)
        yield


@dataclass
class Days:
    """What was written: plain rows, to reckon with."""

    day: datetime
    reports: list[Row] = field(default_factory=list)
    history: list[Row] = field(default_factory=list)
    findings: list[Row] = field(default_factory=list)

    def groups(self) -> dict[str, list[Row]]:
        """Each head with its reports."""
        found: dict[str, list[Row]] = {}
        for row in self.reports:
            found.setdefault(row["merged_into"] or row["id"], []).append(row)
        return found

    def is_of_day(self, at: datetime | None) -> bool:
        return at is not None and self.day <= at < self.day + DAY

    def head(self, id: str) -> Row:
        return next(row for row in self.reports if row["id"] == id)


def fill(world: World, seed: int) -> Days:
    """Sixty groups of one to four reports around a day, some at its very edges."""
    draw = random.Random(seed)
    made = Days(THE_DAY)
    people = [world.user() for _ in range(5)]
    edges = [timedelta(), DAY - timedelta(microseconds=1), DAY, -timedelta(microseconds=1)]
    for number in range(60):
        gap = edges[number] if number < len(edges) else draw.uniform(-6, 1) * DAY
        _group(made, draw, people, number, made.day + gap)
    world.store.write(
        Rows(FEEDBACK_REPORTS, made.reports),
        Rows(FEEDBACK_HISTORY, made.history),
        Rows(SESSION_FINDINGS, made.findings),
    ).result()
    return made


def _group(
    made: Days, draw: random.Random, people: Sequence[str], number: int, at: datetime
) -> None:
    status = draw.choice(STATUSES)
    closed = min(at + draw.uniform(0, 2) * DAY, made.day + DAY)
    head: Row = {
        **_report(made, draw, people, at),
        "status": status,
        "tags": orjson.dumps(draw.sample(TAGS, draw.randrange(3))).decode(),
        "assignee": draw.choice([None, people[0]]),
        "resolved_at": closed if status in ("resolved", "wontfix") else None,
        "resolution": HOSTILE if status == "resolved" else None,
        "reopened": draw.choice([0, 1]),
    }
    made.reports.append(head)
    for _ in range(draw.choice([0, 0, 1, 3])):
        later = at + draw.uniform(0, 3) * DAY
        # What a duplicate says of its own status is nobody's business.
        same = {**_report(made, draw, people, later), "merged_into": head["id"], "status": "open"}
        made.reports.append(same)
    if head["reopened"]:
        change = {"what": "reopened", "from": "resolved", "to": "open"}
        _note(made, draw.choice([*made.reports[-1:], head])["id"], closed, change)
    _note(made, head["id"], made.day, {"what": "status", "to": '"what":"reopened"'})


def _report(made: Days, draw: random.Random, people: Sequence[str], at: datetime) -> Row:
    who = draw.choice(people)
    file = f"{who}/{new_id()}.jsonl" if draw.random() < 0.5 else None
    if file:
        about = {"id": new_id(), "session_file": file, "user_id": who, "finding_type": "loop"}
        made.findings.append(about)
    return {
        "id": new_id(),
        "created_at": at,
        "updated_at": at,
        "reporter_user": who,
        "message": draw.choice(["the sync tool hangs", HOSTILE, "long " * 100]),
        "category": draw.choice(["bug", "idea", None]),
        "session_excerpt": EXCERPT,
        "session_file": file,
        "fingerprint": new_id(),
        "version": 1,
        "kept_apart": False,
        "merged_into": None,
    }


def _note(made: Days, id: str, at: datetime, change: Row) -> None:
    row = {"id": new_id(), "report_id": id, "at": at, "actor": None}
    made.history.append({**row, "change": orjson.dumps(change).decode()})
