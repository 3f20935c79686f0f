"""How many rows there are, beside each of them.

Never as `rows.count().over()`: where a filter or a union leaves few rows, DuckDB 1.5 fails on such
a window now and then, and a failure of that kind ends the whole database for everybody
(duckdb/duckdb#25713). A count that is joined has no such race, and its rows are read once.
"""

from __future__ import annotations

import ibis.expr.types as ir


def with_total(rows: ir.Table, name: str = "total") -> ir.Table:
    """`rows`, each with how many they are, as `name`."""
    return rows.cross_join(rows.aggregate(**{name: rows.count()}))
