"""`agnes query` against a whole server: its answers in every format, whole or not there."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from console.audit import new_id
from console.cli.answers import as_csv
from schema.tables import USAGE_EVENTS
from schema.transaction import Rows
from tests.console.access_world import World
from tests.console.cli.served import As, signed_in
from tests.console.cli.stand_in import Run, Server, Terminal, seen
from tests.console.cli.test_cli_activity import ESCAPED, HOSTILE, OBEYED

START = datetime(2026, 3, 2, 9)
MINE = "SELECT tool_name, occurred_at, is_error FROM agnes_telemetry ORDER BY occurred_at"
FORMATS = ("table", "csv", "json", "parquet", "arrow")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(tmp_path_factory.mktemp("query")) as world:
        yield world


@pytest.fixture(scope="module")
def ana(world: World) -> str:
    """Has 10 calls of 30; the others are the admin's."""
    user = world.user("ana@example.org")
    world.store.write(
        Rows(
            USAGE_EVENTS,
            [
                {
                    "id": new_id(),
                    "session_file": f"{number}.jsonl",
                    "user_id": world.admin_id if number % 3 else user,
                    "username": "somebody",
                    "event_type": "tool_use",
                    "tool_name": ("Bash", "Read")[number % 2],
                    "is_error": number % 5 == 0,
                    "occurred_at": START + timedelta(hours=number),
                }
                for number in range(30)
            ],
        )
    ).result()
    return user


@pytest.fixture(autouse=True)
def become(world: World, ana: str, config: Path) -> Iterator[As]:
    with signed_in(world) as become:
        become(ana)
        yield become


def asked(world: World, user: str, sql: str) -> Any:
    with world.client(world.token(user)) as client:
        return client.post("/api/query", json={"sql": sql}).json()


def printed(run: Run, *words: str, stdin: str | bytes | None = None) -> str:
    done = run("query", *words, stdin=stdin)
    assert done.exit_code == 0, done.stderr
    return str(done.stdout)


def one(run: Run, expressions: str, *words: str) -> list[str]:
    """The cells of an answer of one row, out of CSV."""
    return list(csv.reader(io.StringIO(printed(run, f"SELECT {expressions}", "--format", "csv"))))[
        1
    ]


def test_a_table_says_how_many_rows_of_how_many(run: Run, world: World, become: As) -> None:
    done = run("query", "SELECT tool_name, count(*) AS calls FROM agnes_telemetry GROUP BY ALL")
    assert done.stdout.splitlines()[0].split() == ["tool_name", "calls"]
    assert sorted(line.split() for line in done.stdout.splitlines()[1:]) == [
        ["Bash", "5"],
        ["Read", "5"],
    ]
    assert done.stderr == "2 rows; you see 10 rows of agnes_telemetry\n"
    become(world.admin_id)
    done = run("query", "SELECT count(*) FROM agnes_telemetry")
    assert done.stderr == "1 row; you see 30 of 30 rows of agnes_telemetry\n"


def test_json_is_the_servers_answer(run: Run, world: World, ana: str, tmp_path: Path) -> None:
    answer = asked(world, ana, MINE)
    assert answer["row_count"] == 10
    file = tmp_path / "rows.json"
    assert printed(run, MINE, "--out", str(file)).startswith("10 rows, ")
    for text in (
        printed(run, MINE, "--json"),
        printed(run, MINE, "--format", "json"),
        file.read_text(),
    ):
        found = json.loads(text)
        assert found.keys() == answer.keys()
        assert {**found, "bytes_scanned": 0} == {**answer, "bytes_scanned": 0}


def test_csv_holds_every_row(run: Run, world: World, ana: str, tmp_path: Path) -> None:
    answer = asked(world, ana, MINE)
    said = [[tool, at, json.dumps(failed)] for tool, at, failed in answer["rows"]]
    done = run("query", MINE, "--format", "csv")
    assert list(csv.reader(io.StringIO(done.stdout))) == [answer["columns"], *said]
    assert done.stderr.startswith("10 rows")
    file = tmp_path / "rows.csv"
    printed(run, MINE, "--out", str(file))
    assert file.read_bytes() == done.stdout_bytes


def test_parquet_and_arrow_hold_the_servers_types(
    run: Run, world: World, ana: str, tmp_path: Path
) -> None:
    parquet, arrow = tmp_path / "rows.parquet", tmp_path / "rows.arrow"
    for file in (parquet, arrow):
        assert printed(run, MINE, "--out", str(file)).startswith("10 rows, ")
    found = pq.read_table(parquet)
    assert found.equals(pa.ipc.open_file(arrow).read_all())
    rows = asked(world, ana, MINE)["rows"]
    assert found["tool_name"].to_pylist() == [row[0] for row in rows]
    assert found["is_error"].type == pa.bool_()
    assert pa.types.is_timestamp(found["occurred_at"].type)
    done = run("query", MINE, "--format", "arrow")
    assert pa.ipc.open_stream(done.stdout_bytes).read_all().equals(found)
    assert done.stderr.startswith("10 rows")
    done = run("query", MINE, "--format", "parquet")
    assert pq.read_table(io.BytesIO(done.stdout_bytes)).equals(found)


def test_the_question_comes_from_where_one_likes(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "question.sql"
    file.write_bytes("\ufeffSELECT 'ä' AS x -- 漢\n;".encode())
    for words, stdin in (
        (["SELECT 'ä' AS x"], None),
        (["-f", str(file)], None),
        (["-"], "SELECT 'ä'\nAS x;\n"),
        (["--file", "-"], file.read_bytes()),
        ([], "SELECT 'ä' AS x"),
    ):
        assert printed(run, *words, stdin=stdin).split() == ["x", "ä"]


@pytest.mark.parametrize(
    ("words", "stdin", "said"),
    [
        (["SELECT 1", "-f", "x.sql"], None, "give one"),
        (["SELECT '\udcff'"], None, "the question is not text in UTF-8"),
        (["-"], b"SELECT '\xff'", "standard input is not text in UTF-8"),
        (["SELECT 1", "--json", "--format", "csv"], None, "--json and --format csv"),
        (["SELECT 1", "--out", "rows.txt"], None, "in which format?"),
        (["SELECT 1", "--out", "rows.csv", "--format", "table"], None, "in which format?"),
        (["SELECT 1", "--out", "no/such/rows.csv"], None, "a folder that does not exist"),
        (["SELECT 1", "--limit", "0"], None, "'--limit'"),
        (["SELECT 1", "--format", "xml"], None, "'--format'"),
    ],
)
def test_what_cannot_work_is_said_before_anything_is_asked(
    run: Run, server: Server, words: list[str], stdin: bytes | None, said: str
) -> None:
    done = run("query", *words, stdin=stdin)
    assert (done.exit_code, done.stdout) == (2, "")
    assert said in done.stderr
    assert server.requests == []


def test_a_terminal_is_asked_for_a_question_and_gets_no_parquet(
    run: Run, server: Server, terminal: Terminal
) -> None:
    terminal()
    done = run("query")
    assert done.exit_code == 2
    assert "no question" in done.stderr
    for format in ("parquet", "arrow"):
        done = run("query", "SELECT 1", "--format", format)
        assert done.exit_code == 2
        assert "--out FILE" in done.stderr
    assert server.requests == []


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("SELECT * FROM users", "only these can be asked: agnes_audit"),
        ("DROP TABLE agnes_audit", ""),
        ("SELECT nope FROM agnes_audit", "nope"),
        ("SELECT 'x'::INTEGER", "Conversion"),
        ("", "there is no question"),
    ],
)
def test_what_is_refused_ends_with_the_servers_reason(
    run: Run, world: World, ana: str, tmp_path: Path, format: str, sql: str, said: str
) -> None:
    reason = asked(world, ana, sql)["error"]
    assert said in reason
    file = tmp_path / "rows"
    file.write_text("old")
    where = [] if format == "table" else ["--out", str(file)]
    done = run("query", sql, "--format", format, *where)
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.splitlines()[0] == f"error: {reason}"
    assert file.read_text() == "old"
    assert [each.name for each in tmp_path.glob("*rows*")] == ["rows"]


def test_who_is_not_signed_in_is_told_so(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGNES_TOKEN", "agnes_other")
    for command in ("query", "schema"):
        done = run(command, "agnes_audit")
        assert (done.exit_code, done.stdout) == (3, "")
        assert "agnes login" in done.stderr


@pytest.mark.parametrize("format", ["csv", "parquet", "arrow"])
def test_a_part_is_never_taken_for_the_whole(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, format: str
) -> None:
    monkeypatch.setattr("console.query_client.MOST_ROWS", 7)
    monkeypatch.setattr("console.query_client.MOST_ROWS_ARROW", 7)
    file = tmp_path / f"rows.{format}"
    file.write_text("old")
    done = run("query", MINE, "--out", str(file))
    assert (done.exit_code, done.stdout) == (1, "")
    assert "more rows than the 7" in done.stderr
    assert file.read_text() == "old"
    assert run("query", MINE, "--format", format).exit_code == 1
    done = run("query", MINE, "--out", str(file), "--limit", "3")
    assert done.stdout.startswith("3 rows, ")
    assert "there are more rows" in done.stderr
    done = run("query", MINE, "--out", str(file), "--limit", "10")
    assert done.stdout.startswith("10 rows, ")
    assert done.stderr == ""


def test_a_table_and_json_say_that_they_are_a_part(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = run("query", MINE, "--limit", "4")
    assert len(done.stdout.splitlines()) == 5
    assert done.stderr.startswith("the first 4 rows, there are more: --limit")
    done = run("query", MINE, "--json", "--limit", "4")
    assert json.loads(done.stdout)["truncated"] is True
    assert "there are more rows" in done.stderr
    assert run("query", MINE, "--limit", "10").stderr.startswith("10 rows; ")
    done = run("query", "FROM range(1001)")
    assert len(done.stdout.splitlines()) == 1001
    assert done.stderr.startswith("the first 1,000 rows, there are more")
    done = run("query", MINE, "--json", "--limit", "100001")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "1 to 100,000" in done.stderr


def test_no_rows_are_an_answer(run: Run, tmp_path: Path) -> None:
    sql = f"SELECT * FROM ({MINE}) WHERE false"
    assert printed(run, sql) == "no rows\n"
    assert printed(run, sql, "--format", "csv") == "tool_name,occurred_at,is_error\n"
    assert json.loads(printed(run, sql, "--json"))["rows"] == []
    for format in ("parquet", "arrow"):
        file = tmp_path / f"rows.{format}"
        assert printed(run, sql, "--out", str(file)).startswith("0 rows, ")
        found = pq.read_table(file) if format == "parquet" else pa.ipc.open_file(file).read_all()
        assert (found.num_rows, found.column_names) == (0, ["tool_name", "occurred_at", "is_error"])


def test_large_numbers_arrive_digit_by_digit(run: Run) -> None:
    numbers = {
        "9223372036854775807": "9223372036854775807",
        "18446744073709551615::UBIGINT": "18446744073709551615",
        "-170141183460469231731687303715884105727::HUGEINT": (
            "-170141183460469231731687303715884105727"
        ),
        "-0.10::DECIMAL(18,2)": "-0.10",
        "0.1::DOUBLE": "0.1",
    }
    assert one(run, ", ".join(numbers)) == list(numbers.values())
    table = printed(run, f"SELECT {', '.join(numbers)}")
    assert table.splitlines()[1].split() == list(numbers.values())


def test_every_kind_of_value_has_a_form(run: Run) -> None:
    kinds = "NULL, '', true, [1, NULL], {'a': 'ä'}, DATE '2026-01-02', '\\xAA'::BLOB"
    assert one(run, kinds) == ["", "", "true", "[1, null]", '{"a": "ä"}', "2026-01-02", "aa"]
    cells = printed(run, f"SELECT {kinds}").splitlines()[1]
    assert cells.split() == ["–", "true", "[1,", "null]", '{"a":', '"ä"}', "2026-01-02", "aa"]


def test_a_column_that_parquet_cannot_hold_is_named(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "rows.parquet"
    done = run("query", "SELECT INTERVAL 2 DAY AS lasted", "--out", str(file))
    assert done.exit_code == 1
    assert "cannot stand in Parquet" in done.stderr
    assert "CAST" in done.stderr
    assert list(tmp_path.glob("*rows*")) == []


def test_hostile_cells_and_headings_are_shown_and_never_obeyed(
    run: Run, server: Server, terminal: Terminal
) -> None:
    answer = {
        "columns": [HOSTILE, "x"],
        "rows": [[HOSTILE, {HOSTILE: [HOSTILE]}]],
        "row_count": 1,
        "truncated": False,
        "row_scope": {"tables": {HOSTILE: {"visible": 1, "total": None}}},
    }
    content = json.dumps(answer).encode()
    server.on("POST", "/api/query", lambda _: httpx.Response(200, content=content))
    done = run("query", "SELECT 1")
    assert done.stdout.count(ESCAPED) >= 2
    assert not OBEYED & set(done.stdout + done.stderr)
    terminal("stdout")
    done = run("query", "SELECT 1", "--format", "csv")
    assert not (OBEYED - {"\r"}) & set(done.stdout + done.stderr)
    assert json.loads(run("query", "SELECT 1", "--json").stdout) == answer
    assert not OBEYED & set(run("query", "SELECT 1", "--json").stdout)


WIDE = "漢" * 40


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_wide_letters_and_many_columns_fit_the_terminal(
    run: Run, terminal: Terminal, columns: int
) -> None:
    terminal(columns=columns)
    done = run(
        "query", f"SELECT '{WIDE}' AS name, 9223372036854775807 AS number, t.* FROM ({MINE}) t"
    )
    lines = [seen(line) for line in done.stdout.splitlines()]
    assert max(map(cell_len, lines)) <= columns
    assert all("9223372036854775807" in line for line in lines[1:])
    left_out = "is_error" not in lines[0]
    assert ("no room for" in done.stderr) == left_out
    assert left_out == (columns == 40)


cells = (
    st.none() | st.text(st.characters(codec="utf-8"), max_size=6) | st.integers() | st.booleans()
)


@given(st.lists(st.lists(cells, min_size=2, max_size=2), max_size=5), st.text(max_size=4))
def test_csv_starts_no_formula_and_loses_nothing(rows: list[list[Any]], name: str) -> None:
    text = b"".join(as_csv({"columns": [name, "b"], "rows": rows})).decode(errors="replace")
    heading, *found = list(csv.reader(io.StringIO(text, newline="")))
    for cell in (*heading, *(cell for row in found for cell in row)):
        assert not cell.startswith(("=", "+", "@", "\t", "\r", "\n"))
        assert not cell.startswith("-") or float(cell) <= 0
    back = [[cell.removeprefix("'") for cell in row] for row in found]
    assert back == [[_plain(cell) for cell in row] for row in rows]


def _plain(value: Any) -> str:
    return "" if value is None else value if isinstance(value, str) else json.dumps(value)


def test_a_line_that_breaks_leaves_no_file(run: Run, server: Server, tmp_path: Path) -> None:
    sink = io.BytesIO()
    table = pa.table({"x": list(range(50_000))})
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=1000)

    def broken(_: httpx.Request) -> httpx.Response:
        def body() -> Iterator[bytes]:
            yield sink.getvalue()[:200_000]
            raise httpx.ReadError("line broke")

        return httpx.Response(200, content=body())

    server.on("POST", "/api/query", broken)
    for format in ("parquet", "arrow"):
        done = run("query", "SELECT 1", "--out", str(tmp_path / f"rows.{format}"))
        assert done.exit_code == 4
        assert "line broke" in done.stderr
    for content in (b"<html>", sink.getvalue()[:200_000]):
        server.on("POST", "/api/query", httpx.Response(200, content=content))
        done = run("query", "SELECT 1", "--out", str(tmp_path / "rows.parquet"))
        assert done.exit_code == 1
        assert "not a whole Arrow stream" in done.stderr
    assert list(tmp_path.glob("*rows*")) == []


def test_without_pyarrow_there_are_tables_csv_and_json(world: World, ana: str) -> None:
    script = (
        "import sys\n"
        "for name in ('pyarrow', 'duckdb', 'ibis', 'numpy', 'pandas'): sys.modules[name] = None\n"
        "from console.cli import main; main()"
    )
    environment = {
        "AGNES_SERVER": world.address,
        "AGNES_TOKEN": world.token(ana),
        "PATH": "/usr/bin:/bin",
    }
    for format in FORMATS:
        done = subprocess.run(
            [sys.executable, "-c", script, "query", "SELECT 1 AS x", "--format", format],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if format in ("parquet", "arrow"):
            assert (done.returncode, done.stdout) == (1, "")
            assert f"{format} needs the package pyarrow" in done.stderr
            assert "pip install pyarrow" in done.stderr
        else:
            assert done.returncode == 0, done.stderr
            assert "1" in done.stdout
