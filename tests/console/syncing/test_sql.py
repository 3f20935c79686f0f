"""Tables of other databases, as the attempt sees them: rows in pieces, a cursor, and their errors.
What the database itself does is tested with `console.sources`."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pytest

from console.settings import Settings
from console.sources import sql
from console.sources.errors import SourceDown, SourceFailed
from console.syncing.syncs import Syncs
from console.tables.connections import Connection
from schema.tables import TABLE_VERSIONS
from tests.console.syncing.place import Held, Place, in_this_process

LAKE = Connection("lake", "postgresql://reader:hidden@db.example/lake")
AT = datetime.datetime(2026, 1, 1, 12, 30, 0, 123456)


class Base:
    """What the database would give: its rows by `id`, or what it raises."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = [{"id": 1, "at": AT}, {"id": 2, "at": AT}]
        self.asked: list[Any] = []
        self.raises: Exception | None = None
        self.schema = pa.schema([("id", pa.int64()), ("at", pa.timestamp("us"))])

    def batches(
        self, settings: Any, connection: str, relation: str, **given: Any
    ) -> Iterator[pa.RecordBatch]:
        assert (settings.sources, connection, relation) == ((LAKE,), "lake", "orders")
        self.asked.append(given["after"])
        after = given["after"] and given["after"][1]
        rows = [row for row in self.rows if after is None or row["id"] > after]
        yield pa.RecordBatch.from_pylist([], schema=self.schema)
        if self.raises:
            raise self.raises
        for row in rows:
            yield pa.RecordBatch.from_pylist([row], schema=self.schema)


@pytest.fixture
def base(monkeypatch: pytest.MonkeyPatch) -> Base:
    found = Base()
    monkeypatch.setattr(sql, "batches", found.batches)
    return found


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, base: Base) -> Iterator[Place]:
    in_this_process(monkeypatch)
    found = Place(tmp_path / "data", AGNES_SOURCES=f"lake={LAKE.url}")
    found.register(source_type="sql", connection="lake", statement="orders")
    yield found
    found.close()


def test_a_table_is_read_whole(place: Place, base: Base) -> None:
    attempt = place.one()
    assert (attempt.status, attempt.rows, attempt.error) == ("ok", 2, None)
    assert place.rows() == base.rows
    assert base.asked == [None]
    base.rows = []
    assert (place.one().status, place.rows()) == ("ok", [])


def test_append_takes_what_is_above_the_highest_seen(place: Place, base: Base) -> None:
    place.change("one", sync_mode="append", cursor_column="id")
    place.one()
    base.rows.append({"id": 3, "at": AT})
    attempt = place.one()
    assert (attempt.status, attempt.rows) == ("ok", 1)
    assert base.asked == [None, ("id", 2)]
    assert [row["id"] for row in place.rows()] == [1, 2, 3]
    assert place.one().status == "unchanged"
    place.change("one", cursor_column="at")
    assert "cursor_column was id, is at: sync once with sync_mode=full" in str(place.one().error)


def test_a_cursor_of_times_is_kept_to_the_microsecond(place: Place, base: Base) -> None:
    place.change("one", sync_mode="append", cursor_column="at")
    place.one()
    (row,) = place.table(TABLE_VERSIONS)
    assert orjson.loads(row["state"]) == {"cursor": {"column": "at", "value": AT.isoformat()}}


def test_a_cursor_must_be_a_column(place: Place, base: Base) -> None:
    place.change("one", sync_mode="append", cursor_column="nope")
    assert "cursor_column='nope' is no column of it" in str(place.one().error)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (SourceDown(LAKE, "no route"), "the source lake cannot be reached: 'no route'"),
        (SourceFailed(LAKE, f"bad {LAKE.url}"), "bad ***"),
    ],
)
def test_what_the_database_says_is_told_without_its_password(
    place: Place, base: Base, error: Exception, said: str
) -> None:
    place.one()
    base.raises = error
    attempt = place.one()
    assert said in str(attempt.error)
    assert "hidden" not in str([place.history(), place.log(), attempt])
    assert len(place.rows()) == 2


def test_a_connection_that_is_gone_is_said(place: Place) -> None:
    place.syncs = Syncs(Held(Settings({}, AGNES_DATA_DIR=str(place.folder)), place.store))
    assert place.one().error == "AGNES_SOURCES names no connection lake"
