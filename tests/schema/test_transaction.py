from __future__ import annotations

from datetime import UTC, timedelta, timezone
from typing import Any

import duckdb
import pytest

from schema.store import Store
from schema.tables import AUDIT_LOG, USER_GROUPS, USERS
from schema.transaction import Rows, Transaction, to_arrow
from tests.schema.some_groups import AT, group, groups, names, table


def test_an_unknown_column_is_named(store: Store) -> None:
    for rows in ([{"nonsense": 1}], [{**group("a"), "nonsense": 1}] * 100):
        with pytest.raises(KeyError, match="user_groups has no column nonsense"):
            store.write(Rows(USER_GROUPS, rows)).result()
    assert names(store) == []


@pytest.mark.parametrize("count", [1, 100])
def test_a_missing_value_that_must_be_there_is_refused(store: Store, count: int) -> None:
    with pytest.raises(duckdb.ConstraintException, match=r"NOT NULL.*user_groups\.name"):
        store.write(Rows(USER_GROUPS, [{"id": "a", "created_at": AT}] * count)).result()
    assert names(store) == []


def test_no_rows_are_no_error(store: Store) -> None:
    store.write(Rows(USER_GROUPS, []), groups("a"), Rows(USERS, [])).result()
    store.write(Rows(USER_GROUPS, to_arrow(USER_GROUPS, []))).result()
    assert names(store) == ["a"]


def test_few_rows_many_rows_and_arrow_are_stored_alike(store: Store) -> None:
    east = timezone(timedelta(hours=5, minutes=30))
    moments = [AT, AT.replace(tzinfo=UTC), AT.replace(tzinfo=UTC).astimezone(east)]
    row = {"id": "i", "timestamp": AT, "action": "ž\n'", "duration_ms": 2**53 + 1, "params": None}
    for moment in moments:
        one = {**row, "timestamp": moment}
        store.write(Rows(AUDIT_LOG, [one])).result()
        store.write(Rows(AUDIT_LOG, [one] * 40)).result()
        store.write(Rows(AUDIT_LOG, to_arrow(AUDIT_LOG, [one]))).result()
    found = store.read(table(AUDIT_LOG).distinct()).to_pylist()
    assert [{name: some[name] for name in row} for some in found] == [row]


def test_a_change_of_every_row_is_refused(store: Store) -> None:
    store.write(groups("a", "b")).result()
    for change in (
        lambda done: done.update(USER_GROUPS, {}, {"name": "x"}),
        lambda done: done.delete(USER_GROUPS, {}),
    ):
        with pytest.raises(ValueError, match="never meant"):
            store.write(change).result()
    assert names(store) == ["a", "b"]


def test_update_delete_and_put_change_what_they_name(store: Store) -> None:
    store.write(groups("a", "b", "c")).result()

    def change(done: Transaction) -> list[dict[str, Any]]:
        done.insert(groups("d"))
        done.update(USER_GROUPS, {"id": "a", "name": "a"}, {"description": "first"})
        done.delete(USER_GROUPS, {"id": "b"})
        done.put(USER_GROUPS, group("c", description="anew"))
        done.put(USER_GROUPS, group("e"))
        return done.read(table().order_by("name"))

    seen = store.write(change).result()
    assert [(row["name"], row["description"]) for row in seen] == [
        ("a", "first"),
        ("c", "anew"),
        ("d", None),
        ("e", None),
    ]
    assert store.read(table().order_by("name")).to_pylist() == seen
