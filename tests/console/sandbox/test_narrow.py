"""What a source may leave out is never missed: a question over the rows that are enough has the
answer of the question over all of them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.sandbox.validate import validate
from console.sources.bounds import Bound, Within

START = datetime(2026, 1, 1)
T = pa.table(
    {
        "id": [*range(40), None],
        "a": [None if n % 7 == 0 else n % 5 for n in range(41)],
        "born": [None if n % 11 == 0 else START + timedelta(hours=6 * n) for n in range(41)],
        "word": [None if n % 6 == 0 else "xyz"[n % 3] for n in range(41)],
    },
    pa.schema(
        [("id", pa.int64()), ("a", pa.int32()), ("born", pa.timestamp("us")), ("word", pa.string())]
    ),
)
U = pa.table({"id": [1, 2, 3, 3, None], "x": [1, None, 2, 30, 4]})
TABLES = {"t": T, "u": U}
COLUMNS = {name: table.schema.names for name, table in TABLES.items()}


def answer(sql: str, within: dict[str, Within]) -> list[tuple[Any, ...]]:
    """Rows in an order of their own."""
    with duckdb.connect() as engine:
        for name, table in TABLES.items():
            engine.register(f"all_{name}", table)
            bounds = within.get(name, Within()).bounds
            words = [f'"{one.column}" {one.operator} {_said(one.value)}' for one in bounds]
            text = f"CREATE TABLE {name} AS FROM all_{name} WHERE {' AND '.join(words) or 'true'}"
            engine.execute(text)
        return sorted(engine.execute(sql).fetchall(), key=str)


def _said(value: int | str) -> str:
    return f"'{value}'" if isinstance(value, str) else str(value)


def narrowed(sql: str) -> dict[str, Within]:
    return dict(validate(sql, COLUMNS).within)


def bounds(sql: str) -> dict[str, set[tuple[str, str, Any]]]:
    return {
        name: {(one.column, one.operator, one.value) for one in within.bounds}
        for name, within in narrowed(sql).items()
        if within.bounds
    }


@pytest.mark.parametrize(
    ("sql", "wanted"),
    [
        ("SELECT * FROM t WHERE a > 2", {"t": {("a", ">", 2)}}),
        ("SELECT * FROM t WHERE 2 > A", {"t": {("a", "<", 2)}}),
        ("SELECT * FROM t AS x WHERE x.a = -2 AND word = 'x'", {"t": {("a", "=", -2)}}),
        ("SELECT * FROM t WHERE a BETWEEN 1 AND 3", {"t": {("a", ">=", 1), ("a", "<=", 3)}}),
        ("SELECT * FROM t WHERE born >= '2026-01-02'", {"t": {("born", ">=", "2026-01-02")}}),
        ("SELECT * FROM t WHERE born < DATE '2026-01-02'", {"t": {("born", "<", "2026-01-02")}}),
        ("SELECT * FROM t WHERE NOT a > 2", {"t": {("a", "<=", 2)}}),
        ("SELECT t.a FROM t JOIN u USING (id) WHERE t.a > 1 AND u.x < 9",
         {"t": {("a", ">", 1)}, "u": {("x", "<", 9)}}),
        ("SELECT 1 FROM t LEFT JOIN u ON t.id = u.id WHERE u.x > 1", {"u": {("x", ">", 1)}}),
        ("SELECT a, count(*) FROM t WHERE id > 3 GROUP BY a HAVING a > 1", {"t": {("id", ">", 3)}}),
        ("SELECT * FROM t WHERE a > 2 OR id > 3", {}),
        ("SELECT * FROM t WHERE a + 1 > 2", {}),
        ("SELECT * FROM t WHERE a > 1.5", {}),
        ("SELECT * FROM t WHERE a > id", {}),
        ("SELECT * FROM t WHERE word > 'x'", {}),
        ("SELECT * FROM t WHERE a IS NULL", {}),
        ("SELECT * FROM t WHERE born >= '2026-01-02 00:00:00+02'", {}),
        ("SELECT * FROM t WHERE TRY_CAST('2026-01-01' AS TIMESTAMP) < born", {}),
        ("SELECT id AS a FROM t WHERE a > 3", {}),
        ("SELECT * FROM t JOIN u ON true WHERE a > 3", {}),  # of which table, the engine knows
        ("SELECT * FROM t, t AS o WHERE o.a > 3", {}),
        ("SELECT * FROM t WHERE a > 3 AND id IN (SELECT id FROM t)", {}),
        ("SELECT * FROM t ASOF JOIN u ON t.id >= u.id WHERE u.x > 1", {}),
        ("SELECT * FROM t SEMI JOIN u ON t.id = u.id WHERE t.a > 1", {}),
        ("SELECT * FROM t TABLESAMPLE 50% WHERE a > 1", {}),
        ("SELECT * FROM t AS x(p, a) WHERE x.a > 1", {}),
        ("SELECT * FROM t WHERE born >= make_timestamp(2026, 1, 2, 12, 30, 1.5)",
         {"t": {("born", ">=", "2026-01-02T12:30:01.500000")}}),
        ("SELECT * FROM t WHERE born < make_date(2026, 1, 3)",
         {"t": {("born", "<", "2026-01-03")}}),
        ("SELECT * FROM t WHERE born < make_timestamp(2026, 1, 2, 3, 4, 5.1234567)", {}),
        ("SELECT * FROM t WHERE born < make_date(2026, 1, a + 1)", {}),
        ("SELECT count(*) FROM (SELECT * FROM t AS t0 WHERE t0.a > 1) AS t1 WHERE t1.id > 3",
         {"t": {("a", ">", 1)}}),
        ("WITH w AS (SELECT * FROM t WHERE a > 1) SELECT 1 FROM w JOIN w AS v USING (id)",
         {"t": {("a", ">", 1)}}),
        ("WITH w AS (SELECT * FROM t) SELECT * FROM w WHERE a > 1", {}),
        ("SELECT t.id FROM t JOIN (SELECT id AS z FROM u) AS v ON true WHERE z > 1", {}),
        ("SELECT * FROM u WHERE id IN (SELECT id FROM t WHERE t.a > u.x AND t.a > 1) AND x < 9",
         {"t": {("a", ">", 1)}, "u": {("x", "<", 9)}}),
        ("SELECT id FROM t WHERE a > 1 UNION ALL SELECT id FROM u WHERE x > 1",
         {"t": {("a", ">", 1)}, "u": {("x", ">", 1)}}),
        ("SELECT * FROM t WHERE a > 1 UNION ALL SELECT * FROM t", {}),
    ],
)  # fmt: skip
def test_only_what_must_hold_for_every_row_is_taken(sql: str, wanted: object) -> None:
    assert bounds(sql) == wanted
    if "SAMPLE" not in sql:
        assert answer(sql, narrowed(sql)) == answer(sql, {})


@pytest.mark.parametrize(
    ("sql", "limit"),
    [
        ("SELECT * FROM t LIMIT 3", 3),
        ("SELECT id, word FROM t LIMIT 3 OFFSET 2", 5),
        ("FROM t LIMIT 0", 0),
        ("SELECT * FROM t ORDER BY id LIMIT 3", None),
        ("SELECT DISTINCT a FROM t LIMIT 3", None),
        ("SELECT * FROM t WHERE a > 1 LIMIT 3", None),
        ("SELECT count(*) FROM t LIMIT 3", None),
        ("SELECT a FROM t GROUP BY a LIMIT 3", None),
        ("SELECT unnest([1, a]) FROM t LIMIT 3", None),
        ("SELECT * FROM t QUALIFY row_number() OVER () > 5 LIMIT 3", None),
        ("SELECT * FROM t, (SELECT 1) AS v LIMIT 3", None),
        ("SELECT count(*) FROM (SELECT * FROM t LIMIT 3) AS v", 3),
        ("SELECT * FROM (SELECT * FROM t) AS v LIMIT 3", None),
        ("SELECT * FROM t, u LIMIT 3", None),
        ("SELECT * FROM t LIMIT 10%", None),
        ("SELECT * FROM t LIMIT (SELECT 3)", None),
        ("SELECT * FROM t", None),
    ],
)
def test_a_limit_is_taken_where_any_rows_will_do(sql: str, limit: int | None) -> None:
    assert narrowed(sql).get("t", Within()).limit == limit


_NAMES = st.sampled_from(["t.id", "t.a", "u.x", "u.id"])
_PLAIN = st.builds(
    lambda name, operator, value: f"{name} {operator} {value}",
    _NAMES,
    st.sampled_from(["=", "<", "<=", ">", ">=", "<>", "IS DISTINCT FROM"]),
    st.integers(-1, 5),
) | st.builds(
    lambda operator, hours: f"t.born {operator} '{START + timedelta(hours=hours)}'",
    st.sampled_from(["=", "<", ">="]),
    st.integers(0, 240),
)
_CONDITIONS = st.recursive(
    _PLAIN,
    lambda inner: st.builds(
        lambda one, word, other, no: f"{no}(({one}) {word} ({other}))",
        inner,
        st.sampled_from(["AND", "OR"]),
        inner,
        st.sampled_from(["", "NOT "]),
    ),
    max_leaves=4,
)


@given(
    _CONDITIONS,
    st.sampled_from(["JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"]),
    st.sampled_from(["t.id, u.x, t.a", "count(*), sum(t.id)", "DISTINCT u.id"]),
)
def test_no_answer_changes(condition: str, join: str, selected: str) -> None:
    sql = f"SELECT {selected} FROM t {join} u ON t.id = u.id WHERE {condition}"
    assert answer(sql, narrowed(sql)) == answer(sql, {})


def test_a_bound_has_the_columns_own_name() -> None:
    found = validate("SELECT 1 FROM t WHERE BORN > '2026-01-01'", {"t": ["Born"]}).within
    assert found["t"].bounds == (Bound("Born", ">", "2026-01-01"),)
