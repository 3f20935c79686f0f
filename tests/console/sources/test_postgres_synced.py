"""Tables of a real PostgreSQL, synced by the real process: whole, by what is above the highest
seen, and when it cannot be reached."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.console.sources.shop import ORDERS, PASSWORD, Shop, shop
from tests.console.syncing.place import Place


@pytest.fixture
def source(postgres: str) -> Iterator[Shop]:
    with shop(postgres, "of_syncs") as made:
        yield made


def test_orders_are_read_whole_and_then_only_what_is_new(source: Shop, tmp_path: Path) -> None:
    place = Place(tmp_path / "data", AGNES_SOURCES=source.setting)
    given = {"source_type": "sql", "connection": "shop", "statement": "orders"}
    place.register(**given, sync_mode="append", cursor_column="id")
    place.register("gone", **{**given, "connection": "gone"})
    first = place.one()
    assert (first.status, first.rows, first.error) == ("ok", ORDERS, None)
    assert list(place.columns()) == ["id", "customer", "amount", "made_at"]
    source.do("INSERT INTO orders VALUES (5000, 'new', 1.5, '2027-01-01Z')")
    assert place.one().rows == 1
    assert place.rows()[-1]["customer"] == "new"
    assert place.one().status == "unchanged"
    source.do("ALTER TABLE orders ALTER id TYPE numeric(20, 3), DROP COLUMN amount")
    source.do("INSERT INTO orders VALUES (5001, 'other', '2027-01-01Z')")
    drifted = place.one()
    assert "gone: amount; id was int64, is decimal(20, 3)" in str(drifted.error)
    gone = place.one("gone")
    assert "the source gone cannot be reached" in str(gone.error)
    assert PASSWORD not in str([place.history(), place.log()])
    place.close()
