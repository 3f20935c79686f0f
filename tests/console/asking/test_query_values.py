"""Values of answers as JSON has them."""

from __future__ import annotations

import duckdb
import pyarrow as pa
from hypothesis import example, given
from hypothesis import strategies as st

from console.asking.query_values import said

_DAY = 86_400_000_000  # microseconds


@given(st.integers(-5000, 5000), st.integers(-100_000, 100_000), st.integers(-3 * _DAY, 3 * _DAY))
@example(0, 0, 0)
@example(-13, 1, -500_000)
@example(12, -1, 90_000_000)
def test_an_interval_is_told_as_sql_tells_it(months: int, days: int, microseconds: int) -> None:
    told = said(pa.MonthDayNano([months, days, microseconds * 1000]))
    sql = "SELECT CAST(to_months(?) + to_days(?) + to_microseconds(?) AS VARCHAR)"
    assert [told] == list(duckdb.execute(sql, [months, days, microseconds]).fetchone() or ())


def test_bytes_are_told_in_hexadecimal() -> None:
    assert said(b"\x00\xff") == "00ff"
