"""Over HTTP, as an analyst, as somebody who was granted every page, and as an admin: what must be
refused is refused, what is fine is answered, and no foreign row comes out, even where nothing is
refused at all."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import duckdb
import httpx
import pytest

from console.asking import questions
from console.sandbox.validate import Checked
from console.tables.agnes_tables import agnes_tables
from tests.console.questions_place import HIDDEN, Place, mark, place
from tests.console.sandbox.corpus import cases

ASKING = ("analyst", "granted", "admin")
AT_ONCE = 3

# What else one could try: a table of the console wherever a question can name one, its shadows, and
# every other way out of the box.
_IN = "(SELECT max(email) FROM users)"
NOT_ALLOWED = (
    "SELECT * FROM agnes_sessions, LATERAL (SELECT * FROM users) u",
    *(
        f"SELECT * FROM agnes_sessions {how} JOIN users"
        for how in ("POSITIONAL", "CROSS", "NATURAL")
    ),
    *(
        f"SELECT s.* FROM agnes_sessions s {how} JOIN users u ON s.user_id = u.id"
        for how in ("SEMI", "ANTI", "ASOF", "FULL", "LEFT")
    ),
    f"SELECT {_IN}",
    f"SELECT 1 LIMIT {_IN}::INT",
    f"SELECT 1 OFFSET (length({_IN}))",
    f"SELECT 1 ORDER BY {_IN}",
    f"SELECT * REPLACE ({_IN} AS username) FROM agnes_sessions",
    f"SELECT COLUMNS(lambda c: c = {_IN}) FROM agnes_sessions",
    f"SELECT count(*) FILTER ({_IN} IS NULL) FROM agnes_sessions",
    f"SELECT string_agg(username ORDER BY {_IN}) FROM agnes_sessions",
    f"SELECT sum(tool_calls) OVER (ORDER BY {_IN}) FROM agnes_sessions",
    f"SELECT sum(tool_calls) OVER w FROM agnes_sessions WINDOW w AS (PARTITION BY {_IN})",
    f"SELECT DISTINCT ON ({_IN}) 1 FROM agnes_sessions",
    f"SELECT 1 FROM agnes_sessions GROUP BY GROUPING SETS ((), ({_IN}))",
    f"SELECT 1 FROM agnes_sessions HAVING {_IN} IS NULL",
    f"SELECT 1 FROM agnes_sessions QUALIFY {_IN} IS NULL",
    f"SELECT CASE WHEN true THEN {_IN} END",
    f"SELECT list_transform([1], lambda x: {_IN})",
    f"SELECT {{'a': [{_IN}]}}, MAP {{'k': {_IN}}}",
    f"VALUES ({_IN})",
    f"SELECT 1 FROM range(length({_IN}))",
    "SELECT unnest((SELECT list(email) FROM users))",
    "SELECT 1 WHERE EXISTS (FROM users)",
    "SELECT 1 WHERE 'a' = ANY (SELECT email FROM users)",
    "SELECT 1 WHERE 'a' IN (TABLE users)",
    "FROM (FROM users)",
    "FROM (VALUES (1)) t, users",
    "SELECT * FROM (users) agnes_sessions",
    "SELECT agnes_sessions.* FROM users AS agnes_sessions",
    "(WITH users AS (SELECT 1) FROM users) UNION ALL (SELECT 1 FROM users)",
    "SELECT (WITH users AS (SELECT 1) SELECT 1), (SELECT count(*) FROM users)",
    "WITH x AS MATERIALIZED (FROM users) FROM x",
    "WITH RECURSIVE x(a) USING KEY (a) AS (SELECT 1 UNION SELECT 1 FROM users) FROM x",
    "WITH audit_log AS (SELECT 1) SELECT * FROM main.audit_log",
    "WITH a AS (FROM users), users AS (SELECT 1) FROM a",
    "PIVOT users ON email IN ('a') USING count(*)",
    "UNPIVOT users ON email",
    "FROM (DESCRIBE users)",
    "FROM (SUMMARIZE users)",
    "FROM (SHOW TABLES)",
    "FROM users TABLESAMPLE 10%",
    "FROM query_table('users')",
    "FROM query_table(['users', 'audit_log'])",
    "FROM query('FROM users')",
    "SELECT 'FROM users'.query()",
    "FROM duckdb_tables()",
    "FROM pragma_table_info('users')",
    "FROM information_schema.tables",
    "FROM pg_catalog.pg_class",
    "FROM sqlite_master",
    "FROM glob('/*')",
    "FROM read_text('/proc/self/environ')",
    "FROM '/proc/self/environ'",
    "FROM 'https://example.org/x.csv'",
    "FROM agnes_tables",
    "SELECT getvariable('x'), current_query(), current_database()",
    "SELECT nextval('s')",
    "SELECT system.main.length('a')",
    "FROM memory.main.agnes_sessions",
    "FROM \uff41gnes_sessions",
    "SELECT * FROM (MERGE INTO agnes_sessions USING agnes_audit ON true WHEN MATCHED THEN DELETE)",
    *(
        f"{statement};"
        for statement in (
            "COPY agnes_sessions TO '/tmp/x'",
            "COPY (FROM agnes_sessions) TO '/tmp/x' (FORMAT parquet)",
            "EXPORT DATABASE '/tmp/x'",
            "ATTACH '/tmp/x.duckdb'",
            "INSTALL httpfs",
            "LOAD httpfs",
            "CALL enable_logging()",
            "PRAGMA database_list",
            "USE main",
            "SET VARIABLE x = 1",
            "RESET memory_limit",
            "PREPARE p AS SELECT 1",
            "BEGIN",
            "CHECKPOINT",
            "VACUUM",
            "CREATE TEMP TABLE t AS FROM agnes_sessions",
            "CREATE MACRO f() AS 1",
            "DROP TABLE agnes_sessions",
            "ALTER TABLE agnes_sessions ADD COLUMN x INT",
            "UPDATE agnes_sessions SET username = ''",
            "TRUNCATE agnes_sessions",
            "COMMENT ON TABLE agnes_sessions IS 'x'",
        )
    ),
)
# Ways out of the box: to a file, to a folder, to an address.
OUTSIDE = (
    "FROM '{file}'",
    'FROM "{file}"',
    "FROM read_text('{file}')",
    "FROM read_csv('{file}', header = false)",
    "FROM read_blob('{folder}/*')",
    "FROM glob('{folder}/*')",
    "FROM sniff_csv('{file}')",
    "SELECT * FROM query_table('{file}')",
    "FROM query($$FROM '{file}'$$)",
    "FROM json_execute_serialized_sql(json_serialize_sql($$FROM '{file}'$$))",
    "WITH x AS (FROM '{file}') FROM x",
    "COPY (SELECT 1) TO '{folder}/written'",
    "COPY agnes_sessions FROM '{file}'",
    "COPY (SELECT 1) TO '{address}/written' (FORMAT csv)",
    "EXPORT DATABASE '{folder}/written'",
    "IMPORT DATABASE '{folder}'",
    "ATTACH '{folder}/written.duckdb'",
    "ATTACH '{address}/x.duckdb' (READ_ONLY)",
    "CREATE TABLE x AS FROM '{file}'; FROM x",
    "CREATE VIEW x AS FROM '{file}'; FROM x",
    "CREATE MACRO x() AS TABLE FROM '{file}'; FROM x()",
    "PREPARE x AS FROM '{file}'; EXECUTE x",
    "SET enable_external_access = true; FROM '{file}'",
    "SET allowed_paths = ['{file}']; FROM '{file}'",
    "SET file_search_path = '{folder}'; FROM 'secret.csv'",
    "SET lock_configuration = false; SET temp_directory = '{folder}/written'; SELECT 1",
    "INSTALL '{file}'; LOAD '{file}'",
    "INSTALL httpfs FROM '{address}'",
    "LOAD '{file}'",
    "CREATE SECRET (TYPE http, BEARER_TOKEN 'x', SCOPE '{address}')",
    "FROM '{address}/x.csv'",
    "FROM read_parquet('{address}/x.parquet')",
    "FROM read_json_auto('{address}/x.json')",
    "CALL enable_logging(storage = 'file', storage_path = '{folder}/written')",
    "PRAGMA enable_profiling = 'json'; PRAGMA profiling_output = '{folder}/written'; SELECT 1",
    "EXPLAIN ANALYZE FROM '{file}'",
    "DESCRIBE FROM '{file}'",
    "SUMMARIZE '{file}'",
    "SELECT getenv('PATH'), current_setting('home_directory')",
)
# Looks like any of these and is none of them.
FINE = (
    "SELECT 'SELECT * FROM users' AS users, \"agnes_audit\".action FROM agnes_audit",
    'SELECT update.username AS "from" FROM agnes_sessions AS update',
    "SELECT users.username FROM agnes_sessions users JOIN agnes_audit audit_log USING (user_id);",
    "WITH users AS (FROM agnes_telemetry) SELECT count(*) FROM users, (FROM users) u LIMIT 1",
    "SELECT ';', 'DROP TABLE users', $$ ; $$ /* ; delete */ -- ; update\n",
    "FROM agnes_sessions SELECT username WHERE tool_calls > 0 ORDER BY ALL;",
    "SELECT x.a, x.b FROM agnes_sessions AS x(a, b)",
    "PIVOT agnes_telemetry ON outcome IN ('ok', 'error') USING count(*) GROUP BY tool_name",
    "UNPIVOT (SELECT tool_calls, mcp_calls FROM agnes_sessions) ON tool_calls, mcp_calls",
    "SELECT id FROM agnes_audit UNION SELECT id FROM agnes_findings EXCEPT SELECT 'x' ORDER BY 1",
    "SELECT DISTINCT ON (tool_name) * FROM agnes_telemetry ORDER BY tool_name, occurred_at DESC",
    "SELECT t, lag(tool_name) OVER w FROM agnes_telemetry t WINDOW w AS (ORDER BY occurred_at)",
    "SELECT COLUMNS(c -> c LIKE 'tool%') FROM agnes_sessions",
    "SELECT params->>'note', json_extract_string(params, '$.note') FROM agnes_audit",
    "FROM agnes_telemetry TABLESAMPLE 50%",
    "FROM agnes_sessions\u200b",  # a blank to the engine
    "SELECT date_trunc('week', occurred_at) AS week, count(*) FROM agnes_telemetry GROUP BY ALL",
    "SELECT 'é\U0001f600' AS \"naïve ☃\", * FROM agnes_feedback WHERE message LIKE '%\u2028%'",
)


@dataclass(frozen=True)
class Outside:
    """A folder with one file, and an address at which somebody listens."""

    folder: Path
    listener: socket.socket

    def attacks(self) -> list[str]:
        file = str(self.folder / "secret.csv")
        address = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        return [one.format(file=file, folder=self.folder, address=address) for one in OUTSIDE]

    def called(self) -> bool:
        with suppress(BlockingIOError):
            self.listener.accept()[0].close()
            return True
        return False


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    patient = {"AGNES_QUERY_SECONDS": "60", "AGNES_QUERY_PER_MINUTE": "10000"}
    with place(tmp_path_factory.mktemp("corpus") / "data", **patient) as here:
        yield here


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outside]:
    folder = tmp_path_factory.mktemp("outside")
    (folder / "secret.csv").write_text(f"{HIDDEN}\n")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        yield Outside(folder, listener)


Judge = Callable[[httpx.Response], bool]


def wrong(here: Place, who: str, asked: Iterable[str], fits: Judge) -> list[str]:
    """The questions whose answer does not fit or holds a foreign row, with the answer's begin."""

    def one(sql: str) -> str | None:
        answer = here.answer(who, sql)
        foreign = here.foreign(who, answer.text)
        if fits(answer) and not foreign:
            return None
        return f"{sql[:200]!r}: {answer.status_code} {foreign} {answer.text[:200]}"

    with ThreadPoolExecutor(AT_ONCE) as threads:
        return [found for found in threads.map(one, asked) if found]


def refused(answer: httpx.Response) -> bool:
    """Before anything ran; a text with NUL is not even looked at."""
    title = answer.json()["title"]
    return answer.status_code == 400 and title in ("Query refused", "Bad parameter")


def ran(answer: httpx.Response) -> bool:
    """It was answered, or the engine said that it cannot."""
    return fine(answer) or answer.json()["title"] in ("Query stopped", "Bad parameter")


def fine(answer: httpx.Response) -> bool:
    return answer.status_code == 200


def test_a_foreign_row_a_file_and_a_call_would_be_seen(here: Place, outside: Outside) -> None:
    for table in agnes_tables():
        told = here.answer("admin", f"FROM {table}").text
        assert mark("other") in told
        assert here.foreign("analyst", told) == [mark(n) for n in ("granted", "admin", "other")]
        assert mark("analyst") in here.answer("analyst", f"FROM {table}").text
    people = here.clients["admin"].get("/api/admin/users", params={"limit": "100"}).text
    assert here.foreign("admin", people) == [HIDDEN]
    read = duckdb.connect().execute(f"FROM '{outside.folder}/secret.csv'").to_arrow_table()
    assert here.foreign("admin", str(read)) == [HIDDEN]
    socket.create_connection(outside.listener.getsockname()).close()
    assert outside.called()
    assert not outside.called()


@pytest.mark.parametrize("who", ASKING)
def test_what_must_be_refused_is_refused(here: Place, outside: Outside, who: str) -> None:
    asked = [case.sql for case in cases("reject")]
    assert wrong(here, who, [*asked, *NOT_ALLOWED, *outside.attacks()], refused) == []


@pytest.mark.parametrize("who", ASKING)
def test_what_is_fine_is_answered(here: Place, who: str) -> None:
    asked = [case.sql for case in cases("ok", "own_rows_only")]
    assert wrong(here, who, [*asked, *(FINE if who == "granted" else ())], fine) == []


@pytest.mark.parametrize(("turn", "who"), [*enumerate(ASKING)])
def test_where_nothing_is_refused_there_is_still_nothing_foreign(
    here: Place, outside: Outside, monkeypatch: pytest.MonkeyPatch, turn: int, who: str
) -> None:
    """The box alone: every text runs, each as one of the three, with all columns of all tables that
    they may question. No row of others, no file, no call."""

    def anything(sql: str, tables: Mapping[str, Sequence[str]], **_: object) -> Checked:
        return Checked(sql, tables)

    monkeypatch.setattr(questions, "validate", anything)
    monkeypatch.setattr(here.server.instance.settings, "query_seconds", 2)
    asked = [case.sql for case in cases("reject")]
    asked += [*NOT_ALLOWED, *outside.attacks()]
    assert wrong(here, who, asked[turn :: len(ASKING)], ran) == []
    assert [one.name for one in outside.folder.iterdir()] == ["secret.csv"]
    assert (outside.folder / "secret.csv").read_text() == f"{HIDDEN}\n"
    assert not outside.called()


def test_an_error_quotes_the_question_and_nothing_else(here: Place) -> None:
    """Not a name of another table, not a place on the server."""
    for sql in (
        "SELECT emial FROM agnes_sessions",
        "SELECT username::INT FROM agnes_sessions",
        "FROM userss",
        "FROM",
        "SELECT json_transform(username, '[') FROM agnes_sessions",
        "SELECT strptime(username, '%Y') FROM agnes_sessions",
    ):
        answer = here.answer("analyst", sql)
        assert answer.status_code == 400, sql
        assert here.foreign("analyst", answer.text) == []
        for name in ("users.", "audit_log", "usage_", "token", "site-packages", str(Path.cwd())):
            assert name not in answer.text, answer.text
