"""Reading from a real PostgreSQL: what each type becomes, what may be asked, when it ends."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from console.settings import Settings
from console.sources import postgres as room
from console.sources import sql
from console.sources.bounds import Bound
from console.sources.errors import SourceDown, SourceFailed
from schema.errors import AgnesError, BadParameter
from tests.console.sources.shop import NOBODYS, ORDERS, PASSWORD, Shop, shop

UUID = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"


@pytest.fixture(scope="module")
def source(postgres: str) -> Iterator[Shop]:
    with shop(postgres, "of_types") as made:
        made.do("CREATE TYPE mood AS ENUM ('sad', 'fine')", "CREATE TYPE pair AS (a int, b text)")
        made.do("CREATE DOMAIN positive AS int CHECK (VALUE > 0)")
        yield made


@pytest.fixture(scope="module")
def settings(source: Shop, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("sources")
    return Settings({}, AGNES_DATA_DIR=str(folder), AGNES_SOURCES=_file(folder, source.setting))


def _file(folder: Path, setting: str) -> str:
    """A file with one connection a line: what is asked of it is the same."""
    path = folder / "sources"
    path.write_text("# of the tests\n" + setting.replace(" gone", "\ngone"))
    return str(path)


def read(settings: Settings, relation: str, **more: Any) -> pa.Table:
    return pa.Table.from_batches(list(sql.batches(settings, "shop", relation, **more)))


@pytest.mark.parametrize(
    ("value", "kind", "wanted"),
    [
        ("true", "boolean", True),
        ("(-3)::smallint", "int16", -3),
        ("2147483647", "int32", 2147483647),
        ("9223372036854775807", "int64", 9223372036854775807),
        ("7::positive", "int32", 7),
        ("1.5::real", "float32", 1.5),
        ("0.1::double precision", "float64", 0.1),
        ("'-Infinity'::double precision", "float64", float("-inf")),
        ("12345.678::numeric(12, 3)", "decimal(12, 3)", Decimal("12345.678")),
        ("(10::numeric(38, 0) ^ 37)::numeric(38, 0)", "decimal(38, 0)", Decimal(10) ** 37),
        ("'NaN'::numeric(12, 3)", "decimal(12, 3)", None),
        ("0.25::numeric", "float64", 0.25),
        ("1::numeric(50, 2)", "float64", 1.0),
        ("date '2024-02-29'", "date", date(2024, 2, 29)),
        ("date 'infinity'", "date", None),
        ("time '23:59:59.123456'", "time", time(23, 59, 59, 123456)),
        ("timestamp '1969-12-31 23:59:59'", "timestamp(6)", datetime(1969, 12, 31, 23, 59, 59)),
        ("timestamptz '2024-06-01 12:00:00+02'", "timestamp(6)", datetime(2024, 6, 1, 10)),
        ("timestamptz '-infinity'", "timestamp(6)", None),
        ("timetz '12:00:00+02'", "string", "12:00:00+02"),
        ("interval '1 month 2 days'", "string", "1 mon 2 days"),
        (f"'{UUID}'::uuid", "string", UUID),
        ("'{\"b\": [1, 2], \"a\": null}'::jsonb", "string", '{"a": null, "b": [1, 2]}'),
        ("'null'::json", "string", "null"),
        ("decode('00ff0a', 'hex')", "binary", b"\x00\xff\n"),
        ("''::bytea", "binary", b""),
        ("ARRAY[1, NULL, 3]", "string", "[1,null,3]"),
        ("ARRAY['x,y', 'q\"']", "string", '["x,y","q\\""]'),
        ("ARRAY['sad']::mood[]", "string", '["sad"]'),
        ("ROW(1, 'x')::pair", "string", '{"a":1,"b":"x"}'),
        ("'fine'::mood", "string", "fine"),
        ("'10.0.0.1'::inet", "string", "10.0.0.1/32"),
        ("int4range(1, 5)", "string", "[1,5)"),
        ("'ab'::char(5)", "string", "ab"),
        ("''", "string", ""),
        ("'NULL'", "string", "NULL"),
        ("E'a\"b,c\\r\\nd\\\\N\\t'", "string", 'a"b,c\r\nd\\N\t'),
        ("'\\.'", "string", "\\."),
        ("'žluť \U0001f40e'", "string", "žluť \U0001f40e"),
        ("NULL::text", "string", None),
        ("NULL::bytea", "binary", None),
        ("NULL::timestamptz", "timestamp(6)", None),
    ],
)  # fmt: skip
def test_each_type_comes_as_what_it_is(
    settings: Settings, value: str, kind: str, wanted: object
) -> None:
    statement = f"SELECT {value} AS c"
    (column,) = sql.columns(settings, "shop", statement)
    found = read(settings, statement)
    assert column.type == kind
    assert found.schema == pa.schema([("c", column.arrow)])
    assert found["c"].to_pylist() == [wanted]


def test_moments_that_python_does_not_know_keep_their_place(settings: Settings) -> None:
    found = read(settings, "SELECT timestamp '0044-03-15 BC' AS at, date '0044-03-15 BC' AS day")
    assert found["day"].cast(pa.int32()).to_pylist() == [-735160]
    assert found["at"].cast(pa.int64()).to_pylist() == [-735160 * 86_400_000_000]


def test_a_table_has_columns_meanings_and_all_rows(settings: Settings) -> None:
    for name in ("orders", "public.orders", ' "public" . "orders" ', "ORDERS"):
        columns = sql.columns(settings, "shop", name)
        assert [one.name for one in columns] == ["id", "customer", "amount", "made_at"]
        assert columns[0].meaning == "its number"
    found = read(settings, "orders", columns=["made_at", "id"])
    assert found.schema.names == ["made_at", "id"]
    assert found.num_rows == ORDERS
    assert sum(found["id"].to_pylist()) == ORDERS * (ORDERS - 1) // 2
    assert read(settings, "SELECT * FROM orders WHERE false").schema.names[0] == "id"


def test_names_are_names_whatever_they_hold(settings: Settings, source: Shop) -> None:
    source.do('CREATE TABLE "we""ird; %s {} --" ("or""der {0} %s" int, "SELECT" text)')
    source.do('INSERT INTO "we""ird; %s {} --" VALUES (1, \'x\')')
    found = read(settings, '"we""ird; %s {} --"', where=[Bound('or"der {0} %s', ">", 0)])
    assert found.to_pylist() == [{'or"der {0} %s': 1, "SELECT": "x"}]


def test_what_a_question_needs_is_asked_of_the_source(settings: Settings) -> None:
    def count(*where: Bound, **more: Any) -> int:
        return int(read(settings, "orders", columns=["id"], where=where, **more).num_rows)

    assert count(Bound("id", ">=", ORDERS - 10)) == 10
    assert count(Bound("id", "<", 5), Bound("id", ">", 2)) == 2
    hours = (Bound("made_at", ">=", "2026-01-02"), Bound("made_at", "<", "2026-01-03 12:30"))
    assert count(*hours) == 37
    assert count(Bound("amount", "=", 7)) == 0
    assert count(limit=3) == 3
    everything = (
        Bound("customer", ">", "2026-01-01"),  # texts have an order of their own there
        Bound("made_at", ">", 5),
        Bound("id", ">", "2026-01-01"),
        Bound("id", ">", 10**30),
        Bound("nothing", "=", 1),
    )
    assert count(*everything) == ORDERS
    oids = "SELECT 5::oid AS o FROM orders"
    assert read(settings, oids, where=[Bound("o", "<", 2**40)]).num_rows == ORDERS


@pytest.mark.parametrize(
    ("column", "value", "rows"),
    [
        ("id", None, ORDERS),
        ("id", "4990", 9),
        ("made_at", "2026-01-01T01:00:00", ORDERS - 2),
        ("made_at", datetime(2026, 1, 1, 2, tzinfo=UTC), ORDERS - 3),
        ("amount", Decimal("99.00"), ORDERS // 100),
    ],
)
def test_only_what_came_after_is_read(
    settings: Settings, column: str, value: object, rows: int
) -> None:
    assert read(settings, "orders", after=(column, value)).num_rows == rows


@pytest.mark.parametrize(
    ("after", "said"),
    [(("customer", "a"), "cursor_column"), (("id", "x"), "int64"), (("no", "1"), "'no'")],
)
def test_what_is_no_cursor_is_named(settings: Settings, after: tuple[str, str], said: str) -> None:
    with pytest.raises(BadParameter, match=said):
        read(settings, "orders", after=after)


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("SELECT 1 AS a) TO PROGRAM 'false' --", "syntax error"),
        ("SELECT 1 AS a) SELECT (2", "syntax error"),
        ("SELECT 1 AS a; SELECT 2", "multiple commands"),
        ("SELECT 1 AS a; COMMIT; DROP TABLE orders", "multiple commands"),
        ("DELETE FROM orders", "syntax error"),
        ("WITH x AS (DELETE FROM orders RETURNING id) SELECT * FROM x", "data-modifying"),
        ("SELECT id FROM orders FOR UPDATE", "read-only"),
        ("COPY orders TO STDOUT", "syntax error"),
        ("SELECT 1 AS a /*", "unterminated"),
        ("SELECT 1 AS a, 2 AS \"A\"", "twice"),
        ("SELECT 1 AS \" a\"", "twice, or with spaces"),
        ("SELECT FROM orders", "0 columns"),
        ("nosuch", "does not exist"),
        ("SELECT pg_read_file('/etc/passwd') AS a", "permission denied"),
        ("SELECT $1 AS a", "parameter"),
    ],
)  # fmt: skip
def test_only_one_harmless_query_is_read(
    settings: Settings, source: Shop, statement: str, reason: str
) -> None:
    with pytest.raises(SourceFailed) as caught:
        read(settings, statement)
    assert reason in f"{caught.value.message} {caught.value.reason}"
    assert source.ask("SELECT count(*) FROM orders") == [(ORDERS,)]


@pytest.mark.parametrize(
    "statement", ["SELECT 1 AS a;", "SELECT 1 AS a -- ) %s {}", "TABLE orders"]
)
def test_a_query_may_be_written_as_people_write(settings: Settings, statement: str) -> None:
    assert read(settings, statement).num_rows in (1, ORDERS)


def test_it_comes_in_pieces_and_whoever_stops_leaves_nothing_open(
    settings: Settings, source: Shop
) -> None:
    statement = "SELECT generate_series(1, 10000000) AS n, repeat('x', 1000) AS t"
    found = list(itertools.islice(sql.batches(settings, "shop", statement), 2))
    assert all(batch.nbytes < 32 << 20 for batch in found)
    running = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'agnes'"
    left = itertools.takewhile(lambda _: source.ask(running) != [(0,)], range(200))
    assert sum(1 for _ in left) < 200


def test_a_query_that_takes_too_long_ends(settings: Settings) -> None:
    with pytest.raises(SourceFailed, match="took too long"):
        read(settings, "SELECT pg_sleep(60)::text AS a", seconds=0.2)


def test_a_database_that_says_nothing_any_more_is_left(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "_limited", lambda line, seconds: None)
    monkeypatch.setattr(room, "_GRACE", 0.0)
    with pytest.raises(SourceFailed, match="took too long"):
        read(settings, "SELECT pg_sleep(60)::text AS a", seconds=0.3)


def test_a_line_that_breaks_is_a_source_that_is_down(settings: Settings, source: Shop) -> None:
    end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'agnes'"
    statement = "SELECT generate_series(1, 10000000) AS n, repeat('x', 1000) AS t"
    batches = sql.batches(settings, "shop", statement)
    next(batches)
    source.ask(end)
    with pytest.raises(SourceDown):
        list(batches)


def test_nobody_is_told_a_password(
    settings: Settings, source: Shop, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    wrong = source.address.replace("_reader:", "_reader:wrong-")
    other = Settings({}, AGNES_DATA_DIR=str(tmp_path), AGNES_SOURCES=f"shop={wrong}")
    told = [repr(settings.sources), str(other.sources)]
    for of, name in ((other, "shop"), (settings, "gone")):
        with pytest.raises(SourceDown) as caught:
            sql.columns(of, name, "orders")
        told += [str(caught.value), caught.value.reason, caught.value.detail]
        assert name in caught.value.message
        assert "127.0.0.1" not in caught.value.message
    with pytest.raises(AgnesError) as refused:
        Settings({}, AGNES_SOURCES=f"shop=mysql://me:{NOBODYS}@host/x")
    told += [str(refused.value), "".join(capfd.readouterr())]
    for secret in (PASSWORD, "wrong-", NOBODYS, source.address.split("@")[0]):
        assert not any(secret in text for text in told)
