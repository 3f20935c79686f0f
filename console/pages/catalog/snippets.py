"""How to begin with a table: lines to copy, in a terminal, in Python, over HTTP."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass

_QUESTIONS = {
    "agnes_sessions": "SELECT verdict, count(*) AS sessions FROM agnes_sessions GROUP BY ALL",
    "agnes_telemetry": "SELECT tool_name, count(*) AS calls, avg(is_error::INT) AS failed"
    " FROM agnes_telemetry GROUP BY ALL ORDER BY calls DESC",
    "agnes_audit": "SELECT action, count(*) AS times FROM agnes_audit GROUP BY ALL"
    " ORDER BY times DESC",
    "agnes_findings": "SELECT finding_type, severity, count(*) AS times FROM agnes_findings"
    " GROUP BY ALL",
    "agnes_feedback": "SELECT status, count(*) AS reports FROM agnes_feedback GROUP BY ALL",
}


@dataclass(frozen=True)
class Snippet:
    """`has_address`: `{here}` in it stands for this console's address."""

    name: str
    text: str
    has_address: bool = False


def question(table: str) -> str:
    """A question in SQL that tells something of this table."""
    anything = f"SELECT * FROM {table} LIMIT 10"  # noqa: S608 (to be copied; it is never run here)
    return _QUESTIONS.get(table, anything)


def command(table: str) -> str:
    return f"agnes query {shlex.quote(question(table))}"


def snippets(table: str) -> list[Snippet]:
    asked = json.dumps({"sql": question(table)})
    curl = (
        'curl -s "{here}/api/query" -H "Authorization: Bearer $AGNES_TOKEN" \\\n'
        f"  -H 'Content-Type: application/json' -d {shlex.quote(asked)}"
    )
    python = f'import ibis\n\ncon = ibis.agnes.connect()\ncon.table("{table}").limit(10).execute()'
    return [
        Snippet("Terminal", command(table)),
        Snippet("Python", python),
        Snippet("SQL", question(table)),
        Snippet("curl", curl, has_address=True),
    ]
