"""How many rows there are, beside each of them."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import ibis
import ibis.expr.types as ir

from console.queries.counted import with_total

ROOT = Path(__file__).resolve().parents[2]
# A window over all rows, in no order.
WHOLE = re.compile(r"\.over\(\s*(?:ibis\.window\(\s*\))?\s*\)")


def test_each_row_has_the_number_of_all() -> None:
    rows = ibis.range(1, 4).unnest().name("a").as_table()

    def found(table: ir.Table) -> list[tuple[int, ...]]:
        return duckdb.sql(str(ibis.to_sql(table, dialect="duckdb"))).fetchall()

    assert found(with_total(rows).order_by("a").limit(2)) == [(1, 3), (2, 3)]
    assert found(with_total(rows.filter(rows.a > 3))) == []


def test_no_question_counts_by_a_window_over_everything() -> None:
    modules = sorted((ROOT / "console").rglob("*.py"))
    found = [path for path in modules if WHOLE.search(path.read_text(encoding="utf-8"))]
    assert [path.name for path in found] == ["counted.py"]  # which says why
    assert WHOLE.search("rows.count().over( ibis.window() )")
