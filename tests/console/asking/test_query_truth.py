"""What an analyst is answered is what a plain engine answers over their rows, picked by hand; and
what is made of single rows is part of what an admin is answered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings

from console.api.query import ARROW
from console.tables.agnes_tables import agnes_tables
from tests.console.question_grammar import TABLES, questions, row_wise
from tests.console.questions_place import ROWS, WHO, Place, place, row


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    patient = {"AGNES_QUERY_SECONDS": "60", "AGNES_QUERY_PER_MINUTE": "10000"}
    with place(tmp_path_factory.mktemp("truth") / "data", **patient) as here:
        yield here


@pytest.fixture(scope="module")
def by_hand(here: Place) -> Iterator[duckdb.DuckDBPyConnection]:
    """A plain engine with the rows of the one called analyst."""
    engine = duckdb.connect(":memory:", config={"threads": 1})
    for name in TABLES:
        table = agnes_tables()[name]
        rows = [
            row(table, who, here.ids[who], number)
            for who in WHO
            for number in range(ROWS)
            if who == "analyst"
        ]
        engine.from_arrow(pa.Table.from_pylist(rows, schema=table.schema())).create(name)
    yield engine
    engine.close()


def told(here: Place, who: str, sql: str) -> Counter[tuple[Any, ...]]:
    """The answer's rows, however often each comes."""
    asked = {"sql": sql, "limit": 1_000_000}
    answer = here.clients[who].post("/api/query", json=asked, headers={"Accept": ARROW})
    assert answer.status_code == 200, f"{sql}: {answer.text}"
    return counted(pa.ipc.open_stream(answer.content).read_all())


def counted(rows: pa.Table) -> Counter[tuple[Any, ...]]:
    columns = [column.to_pylist() for column in rows.columns]  # two may have one name
    return Counter(zip(*columns, strict=True))


@given(questions())
def test_an_analyst_is_answered_from_their_rows(
    here: Place, by_hand: duckdb.DuckDBPyConnection, sql: str
) -> None:
    assert told(here, "analyst", sql) == counted(by_hand.execute(sql).to_arrow_table())


@settings(max_examples=settings().max_examples // 3)
@given(row_wise())
def test_what_is_made_of_single_rows_is_part_of_the_admins(
    here: Place, by_hand: duckdb.DuckDBPyConnection, sql: str
) -> None:
    mine = told(here, "analyst", sql)
    assert mine == counted(by_hand.execute(sql).to_arrow_table())
    assert mine <= told(here, "admin", sql)


def test_the_admins_rows_are_more(here: Place) -> None:
    for name in TABLES:
        sql = f"SELECT count(*), count(DISTINCT user_id) FROM {name}"
        assert list(told(here, "analyst", sql)) == [(ROWS, 1)]
        assert list(told(here, "admin", sql)) == [(4 * ROWS, 4)]
