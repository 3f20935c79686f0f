"""Two people's sessions with what was found in them, and how a test asks for them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from console.audit import new_id, now
from console.queries.sessions import FINDING_TYPES, VERDICTS
from schema.tables import (
    SESSION_FILES,
    SESSION_FINDINGS,
    USAGE_SESSION_SUMMARY,
)
from schema.transaction import Rows
from tests.console.access_world import World

LIST = "/api/admin/sessions/list"
FINDINGS, KPIS, FACETS, EXPORT, NEIGHBOURS = (
    f"/api/admin/sessions/{name}" for name in ("findings", "kpis", "facets", "export", "neighbours")
)
NOT_THERE = {
    *((path, "sort") for path in (KPIS, FACETS, FINDINGS)),
    *((path, "limit") for path in (KPIS, FACETS, EXPORT, NEIGHBOURS)),
}
Row = dict[str, Any]


def fill(world: World) -> None:
    """Two people, twelve processed sessions of six days, two files that nobody has read yet."""
    at = now()
    people = [world.user(f"s{number}@example.org") for number in range(2)]
    summaries, findings = [], []
    for number in range(12):
        owner = people[number % 2]
        key = f"{owner}/session-{number:02}.jsonl"
        came = at - timedelta(days=number // 2, hours=1)
        summaries.append(
            {
                "session_file": key,
                "session_id": f"id-{number}",
                "user_id": owner,
                "username": f"s{number % 2}@example.org",
                "started_at": came - timedelta(days=20 if number == 3 else 0, hours=2),
                "uploaded_at": came,
                "tool_calls": 10 + number,
                "tool_errors": number % 4,
                "findings": number % 3,
                "active_seconds": float(number),
                "input_tokens": 100 * number,
                "output_tokens": number,
                "primary_model": "large" if number % 2 else "small",
                "verdict": VERDICTS[number % len(VERDICTS)],
                "extracted_at": at,
            }
        )
        findings += [
            {
                "id": new_id(),
                "session_file": key,
                "user_id": owner,
                "finding_type": FINDING_TYPES[(number + place) % len(FINDING_TYPES)],
                "subtype": "exec",
                "severity": "warning",
                "turn_index": 10 - place,
                "line_no": 5,
                "count": 1,
                "detected_at": at,
            }
            for place in range(number % 3)
        ]
    files = [
        {
            "session_file": f"{people[0]}/new-{number}.jsonl",
            "user_id": people[0],
            "parent": parent,
            "bytes": 5,
            "sha256": "0" * 64,
            "uploaded_at": at,
            "first_uploaded_at": at - timedelta(minutes=number),
            "indexed": False,
        }
        for number, parent in enumerate((None, None, f"{people[0]}/new-0.jsonl"))
    ]
    world.store.write(
        Rows(USAGE_SESSION_SUMMARY, summaries),
        Rows(SESSION_FINDINGS, findings),
        Rows(SESSION_FILES, files),
    ).result()


def ask(world: World, path: str, **params: object) -> Row:
    answer = world.admin.get(path, params={name: str(value) for name, value in params.items()})
    assert answer.status_code == 200, answer.text
    found: Row = answer.json()
    return found
