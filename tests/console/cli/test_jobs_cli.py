"""`agnes jobs …`: what each command asks, what it shows, how it ends."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.console.cli.stand_in import Run, Server

JOBS, RUNS = "/api/admin/jobs", "/api/admin/jobs/runs"
ID = "018f0000-0000-7000-8000-000000000001"
OLD = "018f0000-0000-7000-8000-000000000002"
WHEN = "2026-01-31T09:05:00Z"
RUN = {
    "id": ID,
    "job": "rollups",
    "status": "ok",
    "trigger": "asked",
    "parameters": {"days": []},
    "attempt": 1,
    "queued_at": WHEN,
    "duration_ms": 3210,
    "error": None,
    "files": {"notebook": True, "html": True, "log": True, "figures": ["01.svg"]},
}
JOB = {
    "name": "rollups",
    "title": "Daily figures",
    "schedule": "every 15 min",
    "next_run": WHEN,
    "pending": 4,
    "running": None,
    "last_run": RUN,
}


BOTH = {
    "runs": [RUN, {**RUN, "id": OLD}],
    "parameters": [
        {"name": "days", "one": [], "other": ["2026-01-30"], "same": False},
        {"name": "patience", "one": 600, "other": 600, "same": True},
    ],
    "duration_ms": {"one": 3210, "other": None, "change_pct": None},
    "asserts": {"one": {"held": 2, "failed": 0, "of": 2}, "other": None},
    "cells": [
        {"number": 1, "title": "a = 1", "same": True, "lines": []},
        {
            "number": 2,
            "title": "print(a)",
            "same": False,
            "lines": [["-", "4 days"], ["+", "5 days\x1b[2J"]],
        },
    ],
    "kept": [True, True],
}


def page(*rows: Any) -> dict[str, Any]:
    return {
        "rows": list(rows),
        "total": len(rows),
        "limit": 50,
        "offset": 0,
        "next_offset": None,
    }


@pytest.fixture(autouse=True)
def _everything(server: Server) -> None:
    server.answers |= {
        ("GET", JOBS): page(JOB, {**JOB, "name": "prune", "running": ID, "last_run": None}),
        ("GET", RUNS): page({**RUN, "id": OLD, "status": "skipped"}, RUN),
        ("GET", f"{RUNS}/{ID}"): RUN,
        ("GET", f"{RUNS}/{OLD}/compare"): BOTH,
        ("GET", f"{RUNS}/{ID}/log"): httpx.Response(200, text="one\ntwo\x1b[2J\n"),
        ("POST", f"{JOBS}/rollups/run"): httpx.Response(202, json={"run_id": ID}),
        ("POST", f"{RUNS}/{ID}/retry"): httpx.Response(202, json={"run_id": ID, "attempt": 2}),
        ("POST", f"{RUNS}/{ID}/cancel"): httpx.Response(
            202, json={"run_id": ID, "status": "cancelling"}
        ),
    }


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("", ["rollups", "every 15 min", "2026-01-31 09:05:00Z", "4", "running", "2 of 2 jobs"]),
        ("list", ["Daily figures", "ok"]),
        ("runs", ["3.2 s", ID, "2 of 2 runs"]),
        (f"show {ID}", ['{"days": []}', "notebook, html, log, 01.svg"]),
        ("run rollups", [ID]),
        (f"retry {ID}", [ID, "attempt"]),
        (f"cancel {ID}", ["cancelling"]),
        (f"logs {ID}", ["one\ntwo\\x1b[2J\n"]),
    ],
)
def test_each_command_shows_what_it_did(run: Run, words: str, shown: list[str]) -> None:
    done = run("jobs", *words.split())
    assert done.exit_code == 0, done.output
    for text in shown:
        assert text in done.output
    as_json = run("jobs", *words.split(), "--json")
    assert as_json.exit_code == 0
    assert isinstance(json.loads(as_json.stdout), dict)


def test_runs_are_asked_for_as_they_were_named(run: Run, server: Server) -> None:
    run("jobs", "runs", "--job", "rollups", "--status", "failed", "--limit", "3", "--offset", "6")
    assert server.params == {"job": "rollups", "status": "failed", "limit": "3", "offset": "6"}


def test_the_name_of_a_job_means_its_latest_run_that_was_one(run: Run, server: Server) -> None:
    done = run("jobs", "show", "rollups")
    assert done.exit_code == 0, done.output
    assert server.requests[0].url.params["job"] == "rollups"
    assert server.last.url.path == f"{RUNS}/{ID}"
    server.on("GET", RUNS, page())
    never = run("jobs", "logs", "rollups")
    assert never.exit_code == 1
    assert "has not run yet" in never.output


def test_parameters_are_json_or_texts(run: Run, server: Server) -> None:
    given = ["days=[1, 2]", "deep=true", "name=x=y", "at=2026-01-31", 'text="7"']
    done = run("jobs", "run", "rollups", *[word for one in given for word in ("-p", one)])
    assert done.exit_code == 0, done.output
    parameters = {"days": [1, 2], "deep": True, "name": "x=y", "at": "2026-01-31", "text": "7"}
    assert server.body == {"parameters": parameters}


@pytest.mark.parametrize("word", ["days", "=1"])
def test_a_parameter_without_a_name_is_wrong_use(run: Run, server: Server, word: str) -> None:
    done = run("jobs", "run", "rollups", "-p", word)
    assert done.exit_code == 2
    assert "NAME=VALUE" in done.output
    assert server.requests == []


@pytest.mark.parametrize(("status", "code"), [("ok", 0), ("failed", 1), ("cancelled", 1)])
@pytest.mark.parametrize("words", ["run rollups", f"retry {ID}"])
def test_waiting_ends_as_the_run_does(
    run: Run, server: Server, no_waiting: list[float], words: str, status: str, code: int
) -> None:
    states = iter(["queued", "running", status])
    server.on("GET", f"{RUNS}/{ID}", lambda _: {**RUN, "status": next(states)})
    done = run("jobs", *words.split(), "--wait")
    assert done.exit_code == code, done.output
    assert status in done.stdout
    assert len(no_waiting) == 3


def test_a_log_is_followed_line_by_line_until_the_run_is_over(
    run: Run, server: Server, no_waiting: list[float]
) -> None:
    states = iter(["queued", "running", "running", "failed"])
    texts = iter(["one\nhal", "one\nhalf\n", "one\nhalf\nlast"])
    missing = {"ok": False, "title": "Not found", "error": "no log yet", "detail": ""}
    answers = iter([httpx.Response(404, json=missing)])

    def log(request: httpx.Request) -> httpx.Response:
        return next(answers, None) or httpx.Response(200, text=next(texts))

    server.on("GET", f"{RUNS}/{ID}", lambda _: {**RUN, "status": next(states), "error": "no"})
    server.on("GET", f"{RUNS}/{ID}/log", log)
    done = run("jobs", "logs", ID, "-f")
    assert done.exit_code == 0
    assert done.stdout == "one\nhalf\nlast\n"
    assert "failed: no" in done.stderr
    assert len(no_waiting) == 3


def test_a_refusal_is_told_with_its_advice(run: Run, server: Server) -> None:
    server.says_no("POST", f"{JOBS}/rollups/run", 409, "rollups has a run", "Wait for it.")
    done = run("jobs", "run", "rollups")
    assert done.exit_code == 1
    assert "rollups has a run" in done.stderr
    assert "Wait for it." in done.stderr


def test_two_runs_stand_beside_each_other(run: Run, server: Server) -> None:
    shown = run("jobs", "compare", ID, OLD)
    assert server.params["with"] == ID
    lines = [" ".join(line.split()) for line in shown.stdout.splitlines()]
    assert lines[0] == "OTHER RUN"
    assert "took 3.2 s –" in lines
    assert "asserts 2 of 2 held –" in lines
    assert '≠ days [] ["2026-01-30"]' in lines
    assert "patience 600 600" in lines
    assert "cell 2: print(a)" in lines
    assert "- 4 days" in lines
    assert "\x1b" not in shown.stdout
    assert "1 of 2 cells" in shown.stderr
    assert json.loads(run("jobs", "compare", ID, OLD, "--json").stdout) == BOTH
