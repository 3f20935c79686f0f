"""What may be asked, by the engine's own parse."""

from __future__ import annotations

import string

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.sandbox.functions import functions
from console.sandbox.measure import LENGTH, Refused
from console.sandbox.validate import validate
from tests.console.sandbox.corpus import COLUMNS, cases


@pytest.mark.parametrize("sql", [case.sql for case in cases("reject")])
def test_what_must_be_refused_is_refused(sql: str) -> None:
    with pytest.raises(Refused) as refused:
        validate(sql, COLUMNS)
    assert refused.value.message
    assert len(refused.value.message) < 400


@pytest.mark.parametrize("sql", [case.sql for case in cases("ok", "own_rows_only")])
def test_what_is_fine_is_not_refused(sql: str) -> None:
    assert validate(sql, COLUMNS).sql == sql


def test_a_refusal_tells_nothing_about_what_exists() -> None:
    said = []
    for name in ("users", "no_such_table_anywhere"):
        with pytest.raises(Refused) as refused:
            validate(f"SELECT * FROM {name}", COLUMNS)
        said.append(refused.value.message.replace(name, "…"))
    assert said[0] == said[1]


@pytest.mark.parametrize(
    ("sql", "needs"),
    [
        ("SELECT count(*) FROM agnes_sessions", {"agnes_sessions": ("session_id",)}),
        (
            "SELECT Tool_Name, count(*) FROM agnes_telemetry WHERE is_error GROUP BY 1",
            {"agnes_telemetry": ("tool_name", "is_error")},
        ),
        (
            "SELECT action FROM agnes_sessions JOIN agnes_audit USING (id)",
            {"agnes_sessions": ("session_id",), "agnes_audit": ("id", "action")},
        ),
        ("SELECT s FROM agnes_audit s", {"agnes_audit": COLUMNS["agnes_audit"]}),
        ("SELECT agnes_audit FROM agnes_audit", {"agnes_audit": COLUMNS["agnes_audit"]}),
        ("SELECT s.* FROM agnes_audit s", {"agnes_audit": COLUMNS["agnes_audit"]}),
        ("SELECT COLUMNS('i.*') FROM agnes_audit", {"agnes_audit": COLUMNS["agnes_audit"]}),
        ("SELECT 1", {}),
    ],
)
def test_only_the_columns_that_can_be_used_are_needed(
    sql: str, needs: dict[str, tuple[str, ...]]
) -> None:
    found = validate(sql, COLUMNS).needs
    assert {name: tuple(columns) for name, columns in found.items()} == needs


def test_every_function_of_the_engine_is_classified() -> None:
    """A newer engine fails here until its new functions have been looked at."""
    rows = duckdb.connect().execute("SELECT DISTINCT function_name FROM duckdb_functions()")
    known = functions().values | functions().tables | functions().reasons.keys()
    assert sorted({name.lower() for (name,) in rows.fetchall()} - known) == []


def test_a_long_text_is_refused_before_it_is_parsed() -> None:
    with pytest.raises(Refused, match="20,000 are allowed"):
        validate("SELECT 1" + " " * LENGTH, COLUMNS)


_WORDS = st.sampled_from(
    (
        *[
            "SELECT",
            "FROM",
            "WHERE",
            "WITH",
            "AS",
            "UNION",
            "ALL",
            "JOIN",
            "ON",
            "users",
            "agnes_sessions",
            "audit_log",
            "(",
            ")",
            ",",
            "*",
            ";",
        ],
        *[
            "'x'",
            '"users"',
            "$$y$$",
            "/*",
            "*/",
            "--",
            "\n",
            "1",
            "read_csv('/etc/passwd')",
            "RECURSIVE",
            "VALUES",
            "TABLE",
        ],
    )
)


@given(st.lists(_WORDS | st.text(string.printable, max_size=5), max_size=30).map(" ".join))
def test_no_text_breaks_it_and_nothing_else_is_reached(sql: str) -> None:
    """Whatever passes names only what may be asked: it binds in a database that has only that."""
    try:
        needs = validate(sql, COLUMNS).needs
    except Refused:
        return
    assert set(needs) <= set(COLUMNS)
    box = duckdb.connect(":memory:", config={"threads": 1})
    box.execute("SET enable_external_access = false")
    for name, columns in needs.items():
        box.execute(f"CREATE TABLE {name} ({', '.join(f'{c} VARCHAR' for c in columns)})")
    try:
        box.execute(f"EXPLAIN {sql.strip().rstrip(';')}")
    except duckdb.CatalogException as error:
        pytest.fail(f"{sql!r} reaches what is not there: {error}")
    except duckdb.Error:
        pass  # it cannot be bound: types, columns, places
