"""What an analyst and an admin get of `ibis.agnes`, and what it refuses."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ibis
import ibis.common.exceptions as exc
import pandas as pd
import pyarrow as pa
import pytest

from console import credentials, query_client
from console.api import query as query_api
from console.credentials import Login
from console.ibis_agnes.answers import Cut
from console.tables.agnes_tables import agnes_tables
from schema.errors import AgnesError, BadRequest, NotSignedIn, Unavailable
from tests.console.ibis_agnes.conftest import TOOLS, Place

# Ibis's own backend, too, asks pandas 3 for an option that goes with pandas 4.
pytestmark = pytest.mark.filterwarnings("ignore:The 'future.infer_string' option")

ODD = """
    SELECT 1.50::DECIMAL(5,2) AS exact, [1, NULL, 3] AS list, {'a': 1, 'b': ['x']} AS pair,
        MAP {'k': 1} AS map, TIMESTAMP '2026-01-02 03:04:05.678901' AS at,
        TIMESTAMPTZ '2026-01-02 03:04:05+02' AS there, DATE '2026-01-02' AS day,
        TIME '03:04:05' AS clock, '\\xAA'::BLOB AS bytes, 9007199254740993 AS large,
        sum(range) AS huge, 'é"\u2028' AS text, NULL AS nothing, true AS yes
    FROM range(3) GROUP BY ALL
"""


def test_who_signed_in_needs_no_arguments(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGNES_CONFIG_DIR", str(tmp_path))
    credentials.save(Login(place.server.address, place.tokens["ana"]))
    connection = ibis.agnes.connect()
    table = connection.table("agnes_telemetry")
    assert table.user_id.nunique().execute() == 1
    assert connection == place.connections["ana"]
    assert connection != place.connections["sol"]
    host = place.server.address.removeprefix("http://")
    named = ibis.connect(f"agnes://{host}")
    kept = pickle.loads(pickle.dumps(connection))  # noqa: S301 (our own)
    kept.reconnect()
    assert kept == named == connection
    for one in (connection, named, kept):
        one.disconnect()


def test_who_did_not_sign_in_is_told_how(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGNES_CONFIG_DIR", str(tmp_path))
    with pytest.raises(NotSignedIn) as told:
        ibis.agnes.connect(place.server.address)
    assert "agnes login" in " ".join(told.value.__notes__)


def test_a_token_is_in_nothing_that_may_be_kept(place: Place) -> None:
    connection, token = place.connections["ana"], place.tokens["ana"]
    table = connection.table("agnes_telemetry")
    for text in (repr(connection), connection.db_identity, repr(table), str(table.op())):
        assert token not in text
    assert token.encode() not in pickle.dumps(connection)


def test_tables_are_listed_and_described(place: Place) -> None:
    connection = place.connections["ana"]
    assert connection.list_tables() == sorted(agnes_tables())
    assert connection.list_tables(like="^agnes_(aud|tel)") == ["agnes_audit", "agnes_telemetry"]
    assert "agnes_findings" in connection.tables
    for name, table in agnes_tables().items():
        found = connection.table(name).schema()
        assert found.names == tuple(table.columns)
        assert found.to_pyarrow().types == table.schema().types
    with pytest.raises(exc.TableNotFound, match=r"no table 'users' here. There are: .*agnes_audit"):
        connection.table("users")
    with pytest.raises(exc.IbisInputError, match="no databases"):
        connection.table("agnes_audit", database="main")


@pytest.mark.parametrize("who", ["ana", "sol", "root"])
def test_everybody_gets_their_own_rows_in_every_form(place: Place, who: str) -> None:
    table = place.connections[who].table("agnes_telemetry")
    asked = table.order_by("id").select("id", "user_id", "tool_name", "occurred_at")
    wanted = place.by_hand(who).order_by("id").select(*asked.columns).to_pyarrow()
    assert asked.to_pyarrow() == wanted
    assert pa.Table.from_batches(asked.to_pyarrow_batches(chunk_size=7)) == wanted
    assert asked.execute().equals(ibis.duckdb.connect().execute(ibis.memtable(wanted)))
    assert set(asked.user_id.execute()) == {
        place.ids[name] for name in (place.ids if who == "root" else [who])
    }
    assert asked.count().execute() == asked.count().to_pyarrow().as_py() == wanted.num_rows


def test_batches_have_at_most_as_many_rows_as_wanted(place: Place) -> None:
    with (
        place.connections["ana"]
        .table("agnes_telemetry")
        .to_pyarrow_batches(chunk_size=20) as batches
    ):
        assert [batch.num_rows for batch in batches] == [20, 20, 10]


def test_limits_and_parameters(place: Place) -> None:
    table = place.connections["ana"].table("agnes_telemetry")
    tool = ibis.param("string")
    chosen = table.filter(table.tool_name == tool)
    counts = {name: chosen.count().execute(params={tool: name}) for name in TOOLS if name}
    wanted = [row["tool_name"] for row in place.rows if row["user_id"] == place.ids["ana"]]
    assert counts == {name: wanted.count(name) for name in TOOLS if name}
    assert len(table.execute(limit=3)) == 3
    assert chosen.to_pyarrow(params={tool: "Bash"}, limit=2).num_rows == 2


def test_tables_join_each_other(place: Place) -> None:
    connection = place.connections["ana"]
    telemetry, findings = connection.table("agnes_telemetry"), connection.table("agnes_findings")
    joined = findings.join(telemetry, "user_id").group_by("severity").agg(n=lambda t: t.count())
    assert joined.execute().to_dict("records") == [{"severity": "error", "n": 3 * 50}]


def test_every_type_comes_whole(place: Place) -> None:
    table = place.connections["ana"].sql(ODD)
    (found,) = table.to_pyarrow().to_pylist()
    theirs = ibis.duckdb.connect().sql(ODD, schema=table.schema())
    (wanted,) = ibis.duckdb.connect().to_pyarrow(theirs).to_pylist()
    assert found == wanted
    pd.testing.assert_frame_equal(table.execute(), ibis.duckdb.connect().execute(theirs))


def test_spans_of_time_are_durations_and_months_are_none(place: Place) -> None:
    connection = place.connections["ana"]
    table = connection.table("agnes_telemetry")
    span = (table.occurred_at.max() - table.occurred_at.min()).as_table().to_pyarrow()
    assert pa.types.is_duration(span.schema.types[0])
    rows = [row for row in place.rows if row["user_id"] == place.ids["ana"]]
    hours = {row["occurred_at"] for row in rows}
    assert span.to_pylist()[0].popitem()[1] == max(hours) - min(hours)
    with pytest.raises(exc.UnsupportedOperationError, match="a span of months has no fixed length"):
        connection.sql("SELECT INTERVAL 1 MONTH AS i").execute()


@pytest.mark.parametrize(
    "sql",
    [
        "FROM agnes_telemetry SELECT tool_name, count(*) AS n GROUP BY ALL; -- a remark",
        "WITH x AS (SELECT tool_name FROM agnes_telemetry) "
        "SELECT tool_name, count(*) AS n FROM x GROUP BY 1 ORDER BY n LIMIT 10",
        "SELECT tool_name, count(*) AS n FROM agnes_telemetry WHERE tool_name IS NULL GROUP BY 1 "
        "UNION ALL SELECT tool_name, count(*) FROM agnes_telemetry "
        "WHERE tool_name IS NOT NULL GROUP BY 1",
    ],
)
def test_sql_is_a_table_like_any_other(place: Place, sql: str) -> None:
    table = place.connections["ana"].sql(sql)
    assert dict(table.schema().items()) == {
        "tool_name": ibis.dtype("string"),
        "n": ibis.dtype("int64"),
    }
    by_tool = place.by_hand("ana").group_by("tool_name").agg(n=lambda t: t.count())
    assert {tuple(row) for row in table.execute().dropna().to_numpy()} == {
        tuple(row) for row in by_tool.execute().dropna().to_numpy()
    }
    assert table.n.sum().execute() == 50
    assert table.alias("mine").sql("SELECT max(n) AS most FROM mine").most.sum().execute() >= 12


def _own(text: str) -> str:
    return text


def test_a_column_without_a_name_of_its_own_can_be_asked_for(place: Place) -> None:
    found = (
        place.connections["ana"]
        .sql(
            "SELECT count(*), 'a' || tool_name FROM agnes_telemetry "
            "WHERE tool_name = 'Bash' GROUP BY ALL"
        )
        .to_pyarrow()
    )
    assert [value.as_py() for value in (found[0][0], found[1][0])] == [13, "aBash"]


REFUSED: dict[str, tuple[Callable[[Any, Any], Any], str]] = {
    "create_table": (lambda con, table: con.create_table("x", table), "create_table: .*only reads"),
    "create_view": (lambda con, table: con.create_view("x", table), "create_view: .*only reads"),
    "drop_table": (lambda con, table: con.drop_table("agnes_audit"), "drop_table: .*only reads"),
    "insert": (lambda con, table: con.insert("agnes_audit", table), "insert: .*only reads"),
    "truncate": (lambda con, table: con.truncate_table("agnes_audit"), "truncate_table: "),
    "read_csv": (lambda con, table: con.read_csv("/etc/passwd"), "read_csv: .*only reads"),
    "raw_sql": (lambda con, table: con.raw_sql("SELECT 1"), "raw_sql: .* con.sql"),
    "cache": (lambda con, table: table.cache(), "cache: .*only reads.*ibis.duckdb"),
    "sql": (lambda con, table: con.sql("DROP TABLE agnes_audit"), "con.sql takes one SELECT"),
    "memtable": (
        lambda con, table: con.execute(table.join(ibis.memtable({"id": ["a"]}), "id")),
        "a memtable: .*only reads",
    ),
    "own function": (
        lambda con, table: con.execute(ibis.udf.scalar.python(_own)(table.tool_name)),
        "the function _own.* of your own: .*only reads",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_would_write_or_bring_rows_is_refused_in_words(place: Place, what: str) -> None:
    attempt, said = REFUSED[what]
    connection = place.connections["ana"]
    with pytest.raises(exc.UnsupportedOperationError, match=said):
        attempt(connection, connection.table("agnes_telemetry"))


def test_refusals_have_the_words_of_the_server(place: Place) -> None:
    connection = place.connections["root"]
    with pytest.raises(BadRequest, match="only these can be asked: agnes_audit") as refused:
        connection.sql("SELECT * FROM main.users")
    assert refused.value.message.endswith("; not 'main.users'")
    assert refused.value.__notes__ == ["Named without a schema."]
    with pytest.raises(BadRequest, match="'read_csv' is not allowed here"):
        connection.sql("SELECT * FROM read_csv('/etc/passwd')", schema={"a": "string"}).execute()
    with pytest.raises(BadRequest, match="Could not convert string 'x'"):
        connection.sql("SELECT 'x'::INTEGER AS n", schema={"n": "int32"}).execute()


def test_without_polars_it_is_said_what_to_install(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(ModuleNotFoundError, match="pip install polars"):
        place.connections["ana"].table("agnes_telemetry").to_polars()


def test_an_answer_that_was_cut_is_never_taken_for_whole(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = place.connections["root"]
    many = connection.sql("SELECT range AS n FROM range(200000)")
    assert many.count().execute() == len(many.execute()) == 200_000
    monkeypatch.setattr(place.server.instance.settings, "query_arrow_mb", 1)
    for attempt in (many.execute, many.to_pyarrow, lambda: list(many.to_pyarrow_batches())):
        with pytest.raises(Cut, match=r"this is not all: .*filter, aggregate"):
            attempt()
    assert len(many.limit(1000).execute()) == 1000


def test_an_error_in_the_middle_is_an_error(place: Place) -> None:
    sql = """
        SELECT CAST(CASE WHEN range = 900000 THEN 'x' ELSE range::VARCHAR END AS BIGINT) AS n
        FROM range(1000000)
    """
    with pytest.raises((BadRequest, Unavailable)):
        place.connections["ana"].sql(sql, schema={"n": "int64"}).to_pyarrow()


def test_a_million_rows_come_piece_by_piece(place: Place) -> None:
    """Arrow's own memory never holds more than a few batches of 130 MB."""
    sql = "SELECT range AS n, md5(range::VARCHAR) AS a, md5((range + 1)::VARCHAR) AS b, "
    sql += "md5((range + 2)::VARCHAR) AS c FROM range(1000000)"
    asked = place.connections["ana"].sql(sql)
    before = most = pa.total_allocated_bytes()
    rows = total = 0
    with asked.to_pyarrow_batches() as batches:
        for batch in batches:
            rows, total = rows + batch.num_rows, total + batch.nbytes
            most = max(most, pa.total_allocated_bytes())
            del batch
    assert rows == 1_000_000
    assert total > 100 << 20
    assert most - before < 20 << 20


def test_who_stops_reading_can_ask_again(place: Place) -> None:
    connection = place.connections["ana"]
    asked = connection.sql("SELECT range AS n, md5(range::VARCHAR) AS t FROM range(3000000)")
    batches = asked.to_pyarrow_batches()
    assert batches.read_next_batch().num_rows > 0
    del batches
    assert connection.table("agnes_telemetry").count().execute() == 50


def test_the_most_rows_are_those_that_the_server_allows() -> None:
    assert query_client.MOST_ROWS_ARROW == query_api._ROWS_ARROW
    assert query_client.MOST_ROWS == query_api._ROWS
    assert query_client.ARROW == query_api.ARROW
    assert issubclass(Cut, AgnesError)
