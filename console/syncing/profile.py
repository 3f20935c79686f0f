"""What the columns of a published table hold, so that people see it before they ask."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb

from console.syncing.readers import engine, literal, quoted

TOP = 5  # values that stand there most often
_TEXT = 100  # characters of a value
_MANY = 200  # columns whose values are counted
_DIFFERENT = 20_000  # values; where there are more, counting them tells nothing
_NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER")
_NESTED = ("STRUCT", "MAP", "BLOB", "UNION")
_MEMORY = 256 << 20


def profile(path: Path) -> list[dict[str, Any]]:
    """By column `{name, type, nulls, distinct, min, max, top: [{value, count}]}`: `distinct` is
    near, `min` and `max` are texts or numbers, `top` are the values that stand there most often.
    Of columns of lists and structs only `nulls`."""
    with engine([str(path)], path.parent, memory=_MEMORY, disk=_MEMORY) as con:
        return profiled(con, str(path))


def profiled(con: duckdb.DuckDBPyConnection, place: str) -> list[dict[str, Any]]:
    """The same of the Parquet file at `place`, which `con` may read."""
    rows = f"read_parquet({literal(place)})"
    kinds = [(name, kind) for name, kind, *_ in con.execute(f"DESCRIBE FROM {rows}").fetchall()]
    (figures,) = con.execute(_figures(kinds, rows)).fetchall()
    count, asked = figures[0], iter(figures[1:])
    found = []
    for number, (name, kind) in enumerate(kinds):
        one: dict[str, Any] = {"name": name, "type": kind, "nulls": count - next(asked)}
        if _is_plain(kind):
            one["distinct"] = min(next(asked), count - one["nulls"])  # near, and never above
            one["min"], one["max"] = _shown(next(asked), kind), _shown(next(asked), kind)
            counted = number < _MANY and one["distinct"] <= _DIFFERENT
            one["top"] = _top(con, name, rows) if counted else []
        found.append(one)
    return found


def _figures(kinds: list[tuple[str, str]], rows: str) -> str:
    wanted = ["count(*)"]
    for name, kind in kinds:
        column = quoted(name)
        wanted.append(f"count({column})")
        if _is_plain(kind):
            wanted.append(f"approx_count_distinct({column})")
            wanted += [f"CAST({what}({column}) AS VARCHAR)" for what in ("min", "max")]
    return f"SELECT {', '.join(wanted)} FROM {rows}"


def _top(con: duckdb.DuckDBPyConnection, name: str, rows: str) -> list[dict[str, Any]]:
    column = quoted(name)
    found = con.execute(
        f"SELECT CAST({column} AS VARCHAR), count(*) FROM {rows} WHERE {column} IS NOT NULL "
        f"GROUP BY {column} ORDER BY count(*) DESC, 1 LIMIT {TOP}"
    ).fetchall()
    return [{"value": _cut(value), "count": count} for value, count in found]


def _is_plain(kind: str) -> bool:
    return not kind.endswith("]") and not kind.startswith(_NESTED)


def _shown(value: str | None, kind: str) -> str | int | None:
    if value is None:
        return None
    return int(value) if kind in _NUMBERS else _cut(value)


def _cut(value: str) -> str:
    return value if len(value) <= _TEXT else value[: _TEXT - 1] + "…"
