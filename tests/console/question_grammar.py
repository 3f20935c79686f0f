"""Random questions over the `agnes_*` tables that every engine answers the same: no answer depends
on the order in which rows come."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import pyarrow as pa
from hypothesis import strategies as st

from console.tables.agnes_tables import agnes_tables

TABLES = ("agnes_sessions", "agnes_telemetry", "agnes_findings")
_JOINS = ("JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "SEMI JOIN", "ANTI JOIN")
_NAMES = st.sampled_from(["users", "audit_log", "t", '"select"', '"a b"', "usage_events", "x1"])
Draw = Callable[[st.SearchStrategy[str]], str]

_KINDS: Mapping[str, Callable[[pa.DataType], bool]] = {
    "text": pa.types.is_string,
    "number": pa.types.is_integer,
    "time": pa.types.is_timestamp,
    "truth": pa.types.is_boolean,
}


def columns(table: str, kind: str) -> list[str]:
    fits = _KINDS[kind]
    return [field.name for field in agnes_tables()[table].schema() if fits(field.type)]


def one(draw: Draw, *of: str | Sequence[str]) -> str:
    return draw(st.sampled_from([*of]))


def value(draw: Draw, table: str, kind: str, of: str = "") -> str:
    """A value of one row; `of`: what stands before its columns, as `a.`."""
    column = of + one(draw, *columns(table, kind))
    if kind == "text":
        return one(draw, column, f"upper({column})", f"left({column}, 9)", f"{column} || 'x'")
    if kind == "number":
        return one(draw, column, f"{column} % 3", f"coalesce({column}, -1)", f"-{column}")
    if kind == "time":
        return one(draw, column, f"date_trunc('day', {column})", f"{column} + INTERVAL 1 HOUR")
    return f"coalesce({of}{one(draw, *columns(table, 'text'))} LIKE '% 1', false)"


def where(draw: Draw, table: str, of: str = "", depth: int = 2) -> str:
    number, text = value(draw, table, "number", of), value(draw, table, "text", of)
    found = [f"{number} > 4", f"{number} IN (1, 2, 3)", f"{text} LIKE '%2%'", f"{text} IS NULL"]
    found += [f"{value(draw, table, 'time', of)} < '2026-03-02 13:00'", "true", f"{text} >= 'mark'"]
    if depth:
        left, right = where(draw, table, of, depth - 1), where(draw, table, of, depth - 1)
        found += [f"({left} AND {right})", f"({left} OR {right})", f"(NOT {left})"]
    return one(draw, *found)


def of_rows(draw: Draw, table: str = "", kinds: Sequence[str] = ()) -> str:
    """Each row of the answer is made of one row of a table."""
    table = table or one(draw, *TABLES)
    kinds = kinds or draw(st.lists(st.sampled_from(["text", "number", "time"]), min_size=1))  # type: ignore[arg-type]
    values = ", ".join(f"{value(draw, table, kind)} AS c{at}" for at, kind in enumerate(kinds))
    return f"SELECT {values} FROM {table} WHERE {where(draw, table)}"


def grouped(draw: Draw) -> str:
    table = one(draw, *TABLES)
    key, number = value(draw, table, "text"), value(draw, table, "number")
    what = f"count(*) AS n, sum({number}), min({value(draw, table, 'time')}), count(DISTINCT {key})"
    rest = one(draw, "", "HAVING count(*) > 5", f"HAVING max({number}) > 3")
    by = one(draw, f"GROUP BY {key}", "GROUP BY ALL", f"GROUP BY ROLLUP ({key})")
    return f"SELECT {key} AS c0, {what} FROM {table} WHERE {where(draw, table)} {by} {rest}"


def joined(draw: Draw) -> str:
    left, right, how = one(draw, *TABLES), one(draw, *TABLES), one(draw, *_JOINS)
    on = f"{value(draw, left, 'number', 'a.')} = {value(draw, right, 'number', 'b.')}"
    some = where(draw, right if "RIGHT" in how else left, "b." if "RIGHT" in how else "a.")
    shown = f"{value(draw, left, 'text', 'a.')} AS c0"
    if how not in ("SEMI JOIN", "ANTI JOIN"):
        shown += f", {value(draw, right, 'text', 'b.')} AS c1"
    return f"SELECT DISTINCT {shown} FROM {left} a {how} {right} b ON {on} WHERE {some}"


def named(draw: Draw) -> str:
    """A CTE, whatever it is called, used twice."""
    name = draw(_NAMES)
    inner = one(draw, of_rows(draw), grouped(draw))
    twice = f"(SELECT count(*) FROM {name}) AS n, * FROM {name}"
    return one(
        draw,
        f"WITH {name} AS ({inner}) SELECT {twice}",
        f"WITH {name} AS MATERIALIZED ({inner}) FROM {name} SELECT c0, count(*) GROUP BY 1",
        f"SELECT * FROM (WITH {name} AS ({inner}) SELECT c0 FROM {name}) AS {name}",
    )


def windowed(draw: Draw) -> str:
    table = one(draw, *TABLES)
    text, number = value(draw, table, "text"), value(draw, table, "number")
    over = f"OVER (PARTITION BY {text} ORDER BY session_file, user_id, {number})"
    what = one(draw, f"rank() {over}", f"sum({number}) {over}", f"lag({number}) {over}")
    rest = one(draw, "", f"QUALIFY rank() {over} <= 3")
    key = "id" if table == "agnes_telemetry" else "session_file"
    return f"SELECT {key} AS c0, {what} FROM {table} WHERE {where(draw, table)} {rest}"


def united(draw: Draw) -> str:
    kinds = draw(st.lists(st.sampled_from(["text", "number"]), min_size=1, max_size=3))  # type: ignore[arg-type]
    how = one(draw, "UNION", "UNION ALL", "EXCEPT", "INTERSECT", "EXCEPT ALL", "UNION ALL BY NAME")
    return f"{of_rows(draw, kinds=kinds)} {how} {of_rows(draw, kinds=kinds)}"


def asked_of_others(draw: Draw) -> str:
    """Rows by what stands in another table."""
    table, other = one(draw, *TABLES), one(draw, *TABLES)
    number, inner = value(draw, table, "number"), value(draw, other, "number", "b.")
    test = one(
        draw,
        f"{number} IN (SELECT {inner} FROM {other} b WHERE {where(draw, other, 'b.')})",
        f"NOT EXISTS (SELECT 1 FROM {other} b WHERE {inner} = a.{columns(table, 'number')[0]})",
        f"{number} >= (SELECT max({inner}) FROM {other} b)",
    )
    return f"SELECT session_file AS c0 FROM {table} a WHERE {test}"


@st.composite
def row_wise(draw: Draw) -> str:
    return of_rows(draw)


@st.composite
def questions(draw: Draw) -> str:
    kinds = (grouped, joined, named, windowed, united, asked_of_others)
    sql = draw(st.sampled_from(kinds))(draw)  # type: ignore[operator]
    return one(draw, sql, f"SELECT * FROM ({sql}) ORDER BY ALL LIMIT 7", f"FROM ({sql}) SELECT c0;")
