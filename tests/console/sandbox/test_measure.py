"""Texts whose tree, or whose reading, would be far larger than they are: known before the parser
has them, since nothing ends it inside the server."""

from __future__ import annotations

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.sandbox.measure import DEPTH, PARTS, Refused, measured, parts
from console.sandbox.validate import validate
from tests.console.sandbox.corpus import COLUMNS


def nested(times: int, more: str = "") -> str:
    """A CASE on a CASE …: each level holds the one below twice once it is parsed."""
    found = "tool_calls"
    for _ in range(times):
        found = f"CASE {found}{more} WHEN 1 THEN 1 WHEN 2 THEN 2 END"
    return f"SELECT {found} FROM agnes_sessions"


def names(count: int) -> str:
    return ", ".join(f"c{number}" for number in range(count))


WINDOWS = ", ".join(["sum(1) OVER w"] * 300)
OVER_W = WINDOWS.replace("w", "(w)")
TWICE = (
    f"SELECT {WINDOWS} FROM agnes_audit WINDOW w AS (ORDER BY (SELECT {WINDOWS} FROM agnes_audit "
)


@pytest.mark.parametrize(
    "sql",
    [
        nested(20),
        nested(40).lower(),
        nested(20).replace(" ", "\u00a0"),
        nested(20).replace(" ", "/**/"),
        nested(20, " + {'end': 1, 'a': agnes_sessions.end, 'b': agnes_sessions.as}"),
        nested(20).replace("SELECT ", "SELECT 1 AS case, 1 AS end, "),
        nested(20).replace("SELECT ", "SELECT 1 AS when, (SELECT 1 AS end), "),
        nested(20).replace("SELECT ", "SELECT\u00a0e'\\'', ") + " --'",
        nested(20).replace("SELECT ", "SELECT e'\\'', $\u00a0$ ' $\u00a0$, ") + " --'",
        "SELECT " + nested(20)[7:-20] + ", '\u00a0 $' FROM agnes_sessions",
        f"SELECT {WINDOWS} FROM agnes_audit WINDOW w AS (PARTITION BY {names(2000)})",
        f"SELECT {OVER_W} FROM agnes_audit WINDOW w AS (ORDER BY {names(900)})",
        TWICE + "WINDOW w AS (ORDER BY id)))",
        f"SELECT 1 FROM agnes_audit GROUP BY CUBE ({names(10)}), {names(1500)}",
        f"SELECT 1 FROM agnes_audit GROUP BY ROLLUP ({names(3000)})",
        "SELECT 1 GROUP BY " + ", ".join(["GROUPING SETS ((), (id))"] * 14 + [names(1000)]),
        "SELECT " + "+" * 19_000 + "1",
        "SELECT 1" + "-+" * 9_000 + "1",
        "SELECT " + "+ " * (DEPTH + 1) + "1",
        "SELECT " + "\u00a0[" * (DEPTH + 1),
    ],
    ids=range(20),
)
def test_what_the_parser_must_not_be_given_is_refused(sql: str) -> None:
    with pytest.raises(Refused):
        measured(sql)


@pytest.mark.parametrize(
    "sql",
    [
        nested(5),
        "SELECT 1 AS case, 2 AS when, 3 AS end, {'end': 4}.end FROM agnes_audit",
        "SELECT sum(1) OVER w, avg(2) OVER w FROM agnes_audit WINDOW w AS (ORDER BY id)",
        "(SELECT sum(1) OVER w FROM agnes_audit WINDOW w AS (ORDER BY id)) UNION ALL "
        "(SELECT sum(1) OVER v FROM agnes_audit WINDOW v AS (ORDER BY id))",
        "SELECT 1 FROM agnes_audit GROUP BY CUBE (id, action, result), ROLLUP (params), user_id",
        "SELECT 1 -- " + "-" * 400 + "\n, '" + "=" * 400 + "' /* " + "*" * 400 + " */",
        "SELECT '"
        + "CASE x WHEN " * 500
        + '\', "WINDOW w AS (" FROM (SELECT 1 AS "WINDOW w AS (")',
        "SELECT CASE " + "WHEN tool_calls = 1 THEN 'a' " * 200 + "END FROM agnes_sessions",
        "SELECT CASE primary_model " + "WHEN 'x' THEN 'a' " * 200 + "END FROM agnes_sessions",
        "SELECT id FROM agnes_audit WHERE id IN (" + ", ".join(["'x'"] * 3_000) + ")",
        "SELECT\u00a0'\u00a0'\u2003FROM\ufeffagnes_sessions\u200b;",
    ],
    ids=range(11),
)
def test_what_only_looks_large_is_not_refused(sql: str) -> None:
    columns = (*COLUMNS["agnes_audit"], "user_id")
    validate(sql, {**COLUMNS, "agnes_audit": columns})


def test_blanks_are_plain_in_code_and_as_written_in_literals() -> None:
    sql = "SELECT\u00a0'a\u00a0b',\u3000\"n\u00a0n\" /*\u00a0*/ FROM\u2003x"
    assert measured(sql) == "SELECT 'a\u00a0b', \"n\u00a0n\" /*\u00a0*/ FROM x"


def test_names_are_compared_as_the_engine_does() -> None:
    """To Python the sign of Kelvin is a K; to the engine it is another letter."""
    with pytest.raises(Refused, match="only these"):
        validate("FROM agnes_feedbac\u212a", {"agnes_feedback": ("id",)})
    assert validate("FROM AGNES_FEEDBACK", {"agnes_feedback": ("id",)}).needs


_LEAVES = (
    *("x", "t.end", "t.case", "'case'", '"when"', "e'\\''", "$a$ ' $a$", "/* case */ 2"),
    *("{'end': 1}.end", "sum(1) OVER w", "count(*) over (w)"),
)
_SHAPES = (
    *("CASE {} WHEN {} THEN 1 WHEN 2 THEN {} ELSE 3 END", "CASE {} when {} THEN {} end"),
    *("CASE WHEN {} THEN {} END + {}", "({} + {}) * {}"),
    "CASE {} WHEN {} THEN 1 WHEN 2 THEN {} WHEN 3 THEN 4 WHEN 5 THEN 6 WHEN 7 THEN 8 END",
    "CASE {} + {} WHEN 1 THEN 2 WHEN 3 THEN 4 WHEN 5 THEN {} WHEN 7 THEN 8 END",
    "(SELECT {} AS case FROM t GROUP BY CUBE ({}, c, (d, e)), {})",
    "(SELECT {} AS end GROUP BY GROUPING SETS ((), ROLLUP ({}, c)), {} UNION SELECT 1)",
)


_LEAF = st.sampled_from(_LEAVES)
_NESTED = st.lists(st.tuples(st.sampled_from(_SHAPES), _LEAF, _LEAF), max_size=10)


def _filled(shape: str, *values: str) -> str:
    first, second, third, last = shape.split("{}")
    return first + values[0] + second + values[1] + third + values[2] + last


@given(_LEAF, _NESTED, st.integers(1, 99))
def test_no_tree_is_larger_than_was_measured(
    value: str, nested: list[tuple[str, str, str]], places: int
) -> None:
    """A part is at most 150 bytes of the tree's text, whatever copies what."""
    for shape, second, third in nested:
        value = _filled(shape, value, second, third)
    window = f"WINDOW w AS (PARTITION BY {', '.join(['x'] * places)})"
    sql = f"SELECT {value} FROM t {window}"
    try:
        most = parts(sql)
    except Refused:
        return
    if most <= PARTS:
        tree = duckdb.execute("SELECT json_serialize_sql(?)", [sql]).fetchall()[0][0]
        assert len(tree) < 1000 + 150 * most
