"""Questions that must be refused, contained or answered: the corpus that `AGNES_TEST_CORPUS` names
(`sql_attacks.jsonl`, `sql_benign.jsonl`), and always these."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import orjson

COLUMNS = {
    "agnes_sessions": (
        "session_id",
        "session_file",
        "primary_model",
        "active_seconds",
        "tool_calls",
        "tool_errors",
        "started_at",
        "user_id",
    ),
    "agnes_telemetry": ("id", "session_id", "event_type", "tool_name", "is_error", "occurred_at"),
    "agnes_audit": ("id", "timestamp", "action", "result", "duration_ms", "params"),
}


@dataclass(frozen=True)
class Case:
    sql: str
    expect: str  # reject | bounded | own_rows_only | ok


_REFUSED = (
    "SELECT * FROM users",
    "SELECT * FROM main.agnes_sessions",
    'SELECT * FROM "users"',
    "SELECT 1 FROM agnes_sessions, (SELECT * FROM audit_log) x",
    "WITH users AS (SELECT * FROM users) SELECT * FROM users",
    "SELECT * FROM (WITH users AS (SELECT 1) SELECT * FROM users), users",
    "WITH RECURSIVE users AS (SELECT * FROM users UNION SELECT * FROM users) FROM users",
    "WITH a AS (SELECT * FROM b), b AS (SELECT 1) SELECT * FROM a",
    "WITH agnes_audit AS (SELECT 1) SELECT * FROM agnes_audit",
    "WITH x AS (DELETE FROM agnes_sessions RETURNING *) SELECT * FROM x",
    "SELECT * FROM agnes_sessions AT (VERSION => 1)",
    "SELECT * FROM 'data.csv'",
    "SELECT * FROM query('SELECT 1')",
    "SELECT * FROM \"query\"('SELECT 1')",
    "SELECT * FROM json_execute_serialized_sql(json_serialize_sql('SELECT 1'))",
    "SELECT current_setting('memory_limit')",
    "SELECT * FROM agnes_sessions; SELECT 1",
    "SELECT ?",
    "SELECT $me",
    "DESCRIBE agnes_sessions",
    "SUMMARIZE agnes_sessions",
    "SHOW TABLES",
    "EXPLAIN SELECT 1",
    "PIVOT agnes_sessions ON primary_model USING count(*)",
    "INSERT INTO agnes_sessions SELECT * FROM agnes_sessions",
    "SET memory_limit = '9GB'",
    "",
    "   -- nothing",
    "SELECT 1\0",
    "SELECT " + "(" * 300 + "1" + ")" * 300,
    "SELECT " + "- " * 300 + "1",
    "SELECT " + "[" * 300 + "1" + "]" * 300,
    "SELECT 1 " + "+ 1 " * 6000,
    "SELECT " + "NOT " * 3000 + "true",
)
_FINE = (
    "SELECT count(*) FROM agnes_sessions;",
    "FROM agnes_sessions",
    "TABLE agnes_sessions",
    "VALUES (1, 'users'), (2, ';')",
    "SELECT 'update users; drop' AS \"delete\" -- from users\n FROM agnes_sessions /* ; */",
    'SELECT session_id AS users, tool_calls AS "select" FROM agnes_sessions AS audit_log',
    "WITH users AS (SELECT * FROM agnes_sessions) SELECT count(*) FROM users",
    "WITH a AS (SELECT 1 AS n), b AS (SELECT n FROM a) SELECT * FROM b, a",
    "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 9) FROM n",
    "SELECT (WITH t AS (SELECT 1 AS x) SELECT x FROM t)",
    "PIVOT agnes_sessions ON primary_model IN ('a', 'b') USING count(*) GROUP BY user_id",
    "SELECT id FROM agnes_audit UNION ALL BY NAME SELECT id FROM agnes_telemetry",
    "SELECT s FROM agnes_sessions s LIMIT 1",
    "SELECT * EXCLUDE (user_id) FROM agnes_sessions ORDER BY ALL",
    "SELECT COLUMNS('tool_.*') FROM agnes_sessions",
    "SELECT session_id, row_number() OVER (ORDER BY tool_calls) FROM agnes_sessions QUALIFY true",
    "SELECT list_transform([1, 2], lambda x: x + 1), {'a': 1}.a, [1, 2, 3][2:3]",
    "SELECT unnest(range(3)) AS i FROM agnes_audit",
    "SELECT extract('hour' FROM started_at), trim(BOTH ' ' FROM session_id) FROM agnes_sessions",
    "SELECT '" + "(" * 1000 + "'",
)
_HEAVY = (
    "SELECT count(*) FROM range(1000000000000)",
    "SELECT * FROM range(1000000000)",
    "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n",
    "SELECT count(*) FROM range(100000) a, range(100000) b, range(1000) c",
    "WITH RECURSIVE d AS (SELECT 'xxxxx' AS s UNION ALL SELECT s || s FROM d) FROM d",
    "SELECT list(i) FROM range(1000000000) t(i)",
)


def cases(*expected: str) -> Iterator[Case]:
    """All cases with one of these outcomes."""
    for sql, expect in (
        *((sql, "reject") for sql in _REFUSED),
        *((sql, "ok") for sql in _FINE),
        *((sql, "bounded") for sql in _HEAVY),
    ):
        if expect in expected:
            yield Case(sql, expect)
    folder = os.environ.get("AGNES_TEST_CORPUS")
    for name in ("sql_attacks.jsonl", "sql_benign.jsonl") if folder else ():
        for line in Path(folder or "", name).read_bytes().splitlines():
            case = orjson.loads(line)
            if case["expect"] in expected:
                yield Case(case["sql"], case["expect"])
