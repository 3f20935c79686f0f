"""Registering what syncs: each field has its message, and every change can be undone, with what was
synced."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from console.changes.rollback import rollback
from console.syncing import publish
from console.syncing.published import published
from console.tables import registered
from schema.errors import BadParameter, Conflict, NotFound
from schema.tables import TABLE_REGISTRY, TABLE_VERSIONS
from tests.console.syncing.place import ADMIN, Place, in_this_process

SOURCES = "lake=postgresql://reader:hidden@db.example/lake"
WEB = "https://example.org/a.csv"
SQL = {"source_type": "sql", "connection": "lake", "statement": "orders"}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    in_this_process(monkeypatch)
    found = Place(tmp_path / "data", AGNES_SOURCES=SOURCES)
    found.write("a.csv", "x,y\n1,a\n")
    yield found
    found.close()


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    found = Place(tmp_path_factory.mktemp("refusals") / "data", AGNES_SOURCES=SOURCES)
    yield found
    found.close()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"source_type": "s3"}, "source_type='s3' is not allowed: local, files, url, sql"),
        ({"source_type": "internal"}, "source_type='internal' is not allowed"),
        ({}, "give location"),
        ({"location": ""}, "give location"),
        (
            {"location": "a.csv", "sync_mode": "merge"},
            "sync_mode='merge' is not allowed: full or append",
        ),
        (
            {"location": "a.csv", "schedule": "hourly"},
            "schedule='hourly' is not allowed: `every <n>m`",
        ),
        ({"location": "a.csv", "schedule": "61 * * * *"}, "schedule='61 * * * *'"),
        ({"location": "a.csv", "schedule": "0 0 30 2 *"}, "a time that comes"),
        ({"location": "a.csv", "schedule": "every 0m"}, "1 minute to 366 days"),
        ({"location": "a.csv", "format": "xlsx"}, "format='xlsx' is not allowed: csv or json"),
        (
            {"location": "a.csv", "query_mode": "remote"},
            "query_mode='remote' is not allowed: local",
        ),
        (
            {"location": "a.csv", "cursor_column": "id"},
            "cursor_column='id' is not allowed: only for",
        ),
        ({"location": "a.csv", "connection": "lake"}, "connection='lake' is not allowed: only for"),
        ({"location": "a.csv", "options": {"delimeter": ","}}, "did you mean delimiter?"),
        ({"location": "a.csv", "options": {"delimiter": ",,"}}, "options.delimiter=',,'"),
        ({"location": "a.csv", "options": {"types": {"x": "TEXT'); --"}}}, "for 'x' one of"),
        ({"location": "a.csv", "options": {"skip": True}}, "options.skip='True'"),
        ({"location": "a.csv", "options": {"encoding": "utf-7"}}, "options.encoding='utf-7'"),
        ({"location": "a.json", "format": "json", "options": {"skip": 1}}, "only for format=csv"),
        ({"location": "a.csv", "meanings": {"x": "?"}}, "none before the table was synced"),
        ({"source_type": "url", "location": "http://10.0.0.1/"}, "10.0.0.1 is no public address"),
        ({**SQL, "connection": None}, "give connection"),
        ({**SQL, "connection": "lak"}, "unknown connection 'lak'; did you mean lake?"),
        ({**SQL, "statement": " "}, "give statement"),
        ({**SQL, "location": "a.csv"}, "location='a.csv' is not allowed: only for"),
        ({**SQL, "sync_mode": "append"}, "append takes the rows whose value there is above"),
        ({**SQL, "cursor_column": "id"}, "only for sync_mode=append"),
        ({**SQL, "query_mode": "remote", "schedule": "every 1h"}, "none for query_mode=remote"),
        (
            {**SQL, "query_mode": "remote", "sync_mode": "append", "cursor_column": "id"},
            "query_mode=remote syncs nothing",
        ),
    ],
)
def test_what_cannot_be_is_named(untouched: Place, given: dict[str, Any], said: str) -> None:
    with pytest.raises(BadParameter, match=re.escape(said)):
        untouched.register(**given)
    assert untouched.table(TABLE_REGISTRY) == []
    assert "hidden" not in str(untouched.log())


def test_a_file_in_place_has_no_schedule(place: Place) -> None:
    file = registered.described(place.settings, "a.csv")
    given = {"name": "one", "location": "a.csv", "schedule": "every 5m"}
    with pytest.raises(BadParameter, match="no field of a file that is read in place"):
        registered.register(ADMIN, given, file, place.settings)


def test_each_source_is_kept_as_it_was_given(place: Place) -> None:
    place.register("f", location="*.csv", options={"skip": 1}, schedule="every  5m")
    place.register("u", source_type="url", location=WEB, sync_mode="append", format="csv")
    place.register("s", **SQL, sync_mode="append", cursor_column="id", schedule="0 3 * * *")
    f, s, u = (registered.shown(row) for row in place.table(TABLE_REGISTRY))
    assert (f["location"], f["options"]) == (str(place.files / "*.csv"), {"skip": 1})
    assert (f["source_type"], f["query_mode"], f["sync_mode"]) == ("files", "local", "full")
    assert (u["location"], u["sync_mode"], u["format"]) == (WEB, "append", "csv")
    assert (s["connection"], s["statement"], s["cursor_column"]) == ("lake", "orders", "id")
    assert "hidden" not in str([*place.log(), f, s, u])


def test_a_change_keeps_the_other_fields_and_checks_them_together(place: Place) -> None:
    place.register(**SQL, sync_mode="append", cursor_column="id")
    with pytest.raises(BadParameter, match="append takes the rows"):
        place.change("one", cursor_column=None)
    with pytest.raises(BadParameter, match="register another table"):
        place.change("one", source_type="url")
    place.change("one", sync_mode="full", cursor_column=None, schedule="every 2h")
    (row,) = place.table(TABLE_REGISTRY)
    assert (row["sync_mode"], row["cursor_column"]) == ("full", None)
    assert (row["statement"], row["schedule"]) == ("orders", "every 2h")
    told = orjson.loads(place.log()[-1]["params"])
    assert told["changed"] == ["cursor_column", "schedule", "sync_mode"]
    with pytest.raises(NotFound):
        place.change("other", schedule=None)


def test_meanings_stay_with_their_columns(place: Place) -> None:
    place.register(location="a.csv")
    place.one()
    place.change("one", meanings={"y": "a letter"})
    with pytest.raises(BadParameter, match="unknown column 'z'"):
        place.change("one", meanings={"z": "?"})
    place.write("a.csv", "y,z\nb,1\n")
    place.one()
    place.change("one", meanings={"z": "a number"})
    (row,) = place.table(TABLE_REGISTRY)
    shown = registered.columns_shown(place.store, row)
    assert [(one["name"], one["type"], one["meaning"]) for one in shown] == [
        ("y", "string", "a letter"),
        ("z", "int64", "a number"),
    ]
    ((table, _),) = registered.synced(place.store)
    assert [column.meaning for column in table.columns] == ["a letter", "a number"]


CASES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "files": ({"location": "a.csv"}, {"sync_mode": "append", "schedule": "every 5m"}),
    "url": ({"source_type": "url", "location": WEB}, {"format": "csv", "options": {"skip": 1}}),
    "sql": (SQL, {"sync_mode": "append", "cursor_column": "id", "statement": "SELECT 1 AS id"}),
}


@pytest.mark.parametrize("case", CASES)
def test_every_change_is_undone(place: Place, case: str) -> None:
    given, changed = CASES[case]
    place.register(**given)
    (made,) = place.table(TABLE_REGISTRY)
    place.change("one", **changed)
    place.undo("registry.update")
    assert _without_times(place) == _plain(made)
    place.remove("one")
    assert place.table(TABLE_REGISTRY) == []
    place.undo("registry.delete")
    assert _without_times(place) == _plain(made)
    place.undo("registry.create")
    assert place.table(TABLE_REGISTRY) == []


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {name: part for name, part in row.items() if not name.endswith("_at")}


def _without_times(place: Place) -> dict[str, Any]:
    (row,) = place.table(TABLE_REGISTRY)
    return _plain(row)


def test_a_removed_table_comes_back_with_what_was_synced(place: Place) -> None:
    place.register(location="a.csv", sync_mode="append")
    place.one()
    place.write("b.csv", "x,y\n2,b\n")
    place.remove("one")
    assert list(registered.synced(place.store)) == []
    place.syncs.tidy()
    place.undo("registry.delete")
    assert place.rows() == [{"x": 1, "y": "a"}]
    assert place.one().status == "unchanged"


def test_another_table_of_the_same_id_begins_empty(place: Place) -> None:
    place.register(location="a.csv")
    place.one()
    place.remove("one")
    place.write("b.csv", "secret\n7\n")
    place.register(location="b.csv")
    assert "one" not in published(place.store)
    place.one()
    place.remove("one")
    event = next(row["id"] for row in place.log() if row["action"] == "registry.delete")
    place.store.write(rollback(ADMIN, event)).result()  # the first one, not the second
    assert "one" not in published(place.store)
    with pytest.raises(Conflict):
        place.store.write(rollback(ADMIN, event)).result()


def test_what_was_removed_long_ago_is_forgotten(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.register(location="a.csv")
    place.one()
    place.remove("one")
    place.syncs.tidy()
    assert len(place.parquets()) == 1
    monkeypatch.setattr(publish, "ORPHANS", timedelta(0))
    place.syncs.tidy()
    assert place.parquets() == []
    assert place.table(TABLE_VERSIONS) == []
