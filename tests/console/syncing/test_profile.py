"""The profile and the drift, against what is counted by hand."""

from __future__ import annotations

import datetime
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given, settings
from hypothesis import strategies as st

from console.syncing.drift import drift, told
from console.syncing.profile import TOP, profile
from console.tables.table_files import Column


def profiled(folder: Path, table: pa.Table) -> dict[str, dict[str, Any]]:
    path = folder / "a.parquet"
    pq.write_table(table, path)
    return {one["name"]: one for one in profile(path)}


def test_each_type_has_what_it_can_have(tmp_path: Path) -> None:
    day = datetime.date(2026, 1, 2)
    found = profiled(
        tmp_path,
        pa.table(
            {
                "n": [1, None, 3],
                "t": ["it's", "it's", "x" * 300],
                "d": [day, None, day],
                "m": [Decimal("1.50"), Decimal("2.25"), None],
                "f": [True, False, None],
                "l": [[1], None, [2, 3]],
                'odd "name"': [None, None, None],
            }
        ),
    )
    assert found["n"] == {
        "name": "n",
        "type": "BIGINT",
        "nulls": 1,
        "distinct": 2,
        "min": 1,
        "max": 3,
        "top": [{"value": "1", "count": 1}, {"value": "3", "count": 1}],
    }
    assert found["t"]["top"][0] == {"value": "it's", "count": 2}
    assert len(found["t"]["max"]) == 100
    assert (found["d"]["min"], found["m"]["max"]) == ("2026-01-02", "2.25")
    assert (found["f"]["min"], found["f"]["max"]) == ("false", "true")
    assert found["l"] == {"name": "l", "type": "BIGINT[]", "nulls": 1}
    assert (found['odd "name"']["nulls"], found['odd "name"']["top"]) == (3, [])


@settings(max_examples=20)
@given(st.lists(st.one_of(st.none(), st.integers(-5, 5)), max_size=30))
def test_figures_are_those_counted_by_hand(tmp_path_factory: Any, values: list[int | None]) -> None:
    folder = tmp_path_factory.mktemp("figures")
    one = profiled(folder, pa.table({"x": pa.array(values, pa.int64())}))["x"]
    there = [value for value in values if value is not None]
    assert one["nulls"] == len(values) - len(there)
    assert (one["min"], one["max"]) == (min(there, default=None), max(there, default=None))
    counts = Counter(map(str, there))
    assert sorted(top["count"] for top in one["top"]) == sorted(
        count for _, count in counts.most_common(TOP)
    )
    assert all(counts[top["value"]] == top["count"] for top in one["top"])


def test_drift_is_what_differs_whatever_the_order() -> None:
    old = [Column("a", "int64", "means"), Column("b", "string"), Column("c", "date")]
    new = [Column("c", "date"), Column("a", "float64"), Column("d", "string")]
    found = drift(old, new)
    assert found == {
        "added": ["d"],
        "removed": ["b"],
        "retyped": [{"name": "a", "before": "int64", "after": "float64"}],
    }
    assert told(found) == "new: d; gone: b; a was int64, is float64"
    assert drift(old, list(reversed(old))) == {}
