"""`agnes admin ask`: the SQL, why, the rows and the times; what is refused ends in an error."""

from __future__ import annotations

import json
from typing import Any

import pytest

from console.cli.exits import FAILED, NOT_ALLOWED, UNREACHABLE
from tests.console.cli.stand_in import Run, Server, seen

ASK = "/api/admin/telemetry/ask"
HOSTILE = "\x1b[2Jgone\r"
ANSWER: dict[str, Any] = {
    "question": "which tools?",
    "sql": "SELECT tool_name,\n  count(*) AS calls FROM agnes_telemetry GROUP BY 1",
    "rationale": "It counts.",
    "columns": ["tool_name", "calls"],
    "rows": [{"tool_name": f"Bash{HOSTILE}", "calls": 12}],
    "row_count": 1,
    "truncated": False,
    "row_scope": {"tables": {"agnes_telemetry": {"visible": 30, "total": 30}}},
    "llm_ms": 1234,
    "exec_ms": 56,
}
REFUSED = {
    **ANSWER,
    "rejected": f"only these can be asked{HOSTILE}",
    "columns": [],
    "rows": None,
    "row_count": 0,
    "row_scope": None,
}


def test_everything_is_shown(server: Server, run: Run) -> None:
    server.on("POST", ASK, ANSWER)
    result = run("admin", "ask", "which tools?")
    assert result.exit_code == 0, result.output
    assert server.body == {"question": "which tools?"}
    said = seen(result.stdout)
    for part in ("which tools?", "It counts.", ANSWER["sql"], "tool_name", "12"):
        assert part in said
    assert "\x1b[2J" not in result.output
    assert "model 1,234 ms, query 56 ms" in result.stderr


def test_no_rows_and_a_part_of_them_say_so(server: Server, run: Run) -> None:
    server.on("POST", ASK, {**ANSWER, "rows": [], "row_count": 0})
    assert "no rows" in run("admin", "ask", "x").stdout
    server.on("POST", ASK, {**ANSWER, "truncated": True})
    assert "there are more rows" in run("admin", "ask", "x").stderr


def test_json_is_the_answer_itself(server: Server, run: Run) -> None:
    server.on("POST", ASK, ANSWER)
    assert json.loads(run("admin", "ask", "x", "--json").stdout) == ANSWER


@pytest.mark.parametrize("words", [[], ["--json"]])
def test_refused_sql_is_shown_and_ends_in_an_error(
    server: Server, run: Run, words: list[str]
) -> None:
    server.on("POST", ASK, REFUSED)
    result = run("admin", "ask", "x", *words)
    assert result.exit_code == FAILED
    assert "count(*) AS calls" in result.stdout
    assert "only these can be asked" in result.stderr
    assert "\x1b[2J" not in result.output


@pytest.mark.parametrize(
    ("status", "code"), [(403, NOT_ALLOWED), (503, UNREACHABLE), (502, FAILED), (400, FAILED)]
)
def test_what_the_server_says_is_told(server: Server, run: Run, status: int, code: int) -> None:
    server.says_no("POST", ASK, status, "no language model is set up", "Set ANTHROPIC_API_KEY.")
    result = run("admin", "ask", "x")
    assert result.exit_code == code
    assert "no language model is set up" in result.stderr
    assert "Set ANTHROPIC_API_KEY" in result.stderr
