"""`agnes admin activity queries|performance|usage`."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.console.cli.stand_in import Run, Server, seen

WHEN = "2026-01-31T09:05:00Z"
EVIL = "SELECT \x1b[2J?\nforged"
OBSERVED = "/api/admin/observability"
COUNTS = {"count": 40, "measured": 3, "errors": 2, "denied": 1, "few": True}
TOOK = {"p50_duration_ms": 12, "p95_duration_ms": 3456, "p99_duration_ms": 7890}
QUERIES: dict[str, Any] = {
    "rows": [
        {"query": EVIL, "people": 7, "tables": ["orders"], "last_at": WHEN, "example": "e1"}
        | COUNTS
        | TOOK
    ],
    "texts": 9,
    "covered": 1234,
    "events_total": 1300,
    "most_texts": 5000,
    "cut": True,
}
PERFORMANCE: dict[str, Any] = {
    "actions": [{"action": "query.local"} | COUNTS | TOOK],
    "other": {"actions": 4, "count": 6, "measured": 6, "errors": 5, "denied": 0},
    "measured": 9,
    "events_total": 46,
    "least": 10,
}
USAGE: dict[str, Any] = {
    "people": 12,
    "new_people": 3,
    "people_7d": 20,
    "kinds": [{"client_kind": "web", "people": 8, "events": 90}],
    "buckets": [
        {"ts": WHEN, "people": 5, "people_7d": 11, "new_people": 1, "events": 77}
        | {"partial": True, "kinds": {"cli": 2, "web": 4}}
    ],
}
ANSWERS = {"queries": QUERIES, "performance": PERFORMANCE, "usage": USAGE}


@pytest.fixture(autouse=True)
def answers(server: Server) -> None:
    for name, answer in ANSWERS.items():
        server.on("GET", f"{OBSERVED}/{name}", answer)


@pytest.mark.parametrize("name", list(ANSWERS))
def test_json_is_the_servers_own_answer(run: Run, name: str) -> None:
    assert json.loads(run("admin", "activity", name, "--json").stdout) == ANSWERS[name]


def test_queries_are_shown_with_denominators_and_no_control_characters(
    run: Run, server: Server
) -> None:
    done = run("admin", "activity", "queries", "--sort", "failing", "--source", "cli")
    assert server.params == {"sort": "failing", "limit": "20", "source": "cli"}
    text = seen(done.stdout)
    for part in ("2 of 40", "3456 (3)", "FAILED"):
        assert part in text
    assert "\x1b[2J" not in done.stdout
    assert "\nforged" not in done.stdout
    assert "1,234 of 1,300 queries, from the 5,000 most frequent" in seen(done.stderr)


def test_performance_sums_the_rest(run: Run, server: Server) -> None:
    done = run("admin", "activity", "performance", "--since", "7d")
    assert server.params == {"sort": "most", "since_minutes": "10080"}
    assert "query.local" in done.stdout
    assert "4 more actions: 5 of 6 failed" in seen(done.stderr)
    assert "9 of 46 events carry a duration" in seen(done.stderr)


def test_usage_names_people_and_parts_of_days(run: Run) -> None:
    text = seen(run("admin", "activity", "usage").stdout)
    assert "12 people, 3 of them new; through web 8" in text
    assert "20 in the seven days" in text
    assert "cli 2, web 4" in text
    assert "partial" in text


@pytest.mark.parametrize(
    ("name", "empty"),
    [("queries", {"rows": []}), ("performance", {"actions": []}), ("usage", {"people": 0})],
)
def test_nothing_found_says_what_to_try(
    run: Run, server: Server, name: str, empty: dict[str, Any]
) -> None:
    server.on("GET", f"{OBSERVED}/{name}", {**ANSWERS[name], **empty})
    assert "--since 7d" in run("admin", "activity", name).stdout
