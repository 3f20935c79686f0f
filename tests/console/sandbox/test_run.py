"""Questions in children: answers, caps, and the end of those that overrun."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterable, Iterator, Mapping

import psutil
import pyarrow as pa
import pytest

from console.sandbox.pool import Limits, Nursery, Run, Stopped
from tests.console.sandbox.corpus import COLUMNS, cases

SECONDS = 2.0
PATIENCE = 20.0  # what a busy machine may add before a test calls it hanging
LIMITS = Limits(seconds=SECONDS, memory=256 << 20, rows=1000, bytes=8 << 20)
BRIEF = Limits(seconds=0.3, memory=256 << 20, rows=50, bytes=1 << 20)
NAMES = [f"mine {number}" for number in range(50)]


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    nursery = Nursery()
    yield nursery
    nursery.close()


def ipc(rows: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema) as stream:
        stream.write_table(rows)
    return bytes(sink.getvalue())


Tables = Mapping[str, Iterable[bytes]]
TABLES: Tables = {
    name: [ipc(pa.table(dict.fromkeys(columns, NAMES)))] for name, columns in COLUMNS.items()
}


def ask(
    nursery: Nursery,
    sql: str,
    limits: Limits = LIMITS,
    tables: Tables = TABLES,
) -> tuple[pa.Table, Run]:
    with Run(nursery, sql, tables, limits) as run:
        answer = pa.ipc.open_stream(b"".join(run.pieces())).read_all()
    return answer, run


def test_an_answer_comes_as_arrow(nursery: Nursery) -> None:
    answer, run = ask(nursery, "SELECT session_id, 1 AS one FROM agnes_sessions ORDER BY ALL")
    assert answer.column("session_id").to_pylist() == sorted(NAMES)
    assert (run.rows, run.truncated) == (50, False)


def test_no_rows_keep_their_columns(nursery: Nursery) -> None:
    answer, run = ask(nursery, "SELECT id, 1 AS n FROM agnes_audit WHERE false")
    assert (answer.column_names, run.rows, run.truncated) == (["id", "n"], 0, False)


@pytest.mark.parametrize("rows", [0, 1, 999, 1000, 1001, 50_000])
def test_the_rows_are_capped_and_it_is_said(nursery: Nursery, rows: int) -> None:
    answer, run = ask(nursery, f"SELECT * FROM range({rows})")
    assert answer.num_rows == run.rows == min(rows, 1000)
    assert run.truncated == (rows > 1000)


def test_the_bytes_are_capped_and_it_is_said(nursery: Nursery) -> None:
    limits = Limits(seconds=30, memory=1 << 30, rows=5_000_000, bytes=8 << 20)
    answer, run = ask(nursery, "SELECT * FROM range(3000000)", limits)
    assert run.truncated
    assert 0 < answer.nbytes <= 8 << 20


@pytest.mark.parametrize("sql", [case.sql for case in cases("bounded")])
def test_what_is_too_much_ends_in_time(nursery: Nursery, sql: str) -> None:
    started = time.monotonic()
    with contextlib.suppress(Stopped):
        answer, _ = ask(nursery, sql)
        assert answer.num_rows <= 1000
    assert time.monotonic() - started < SECONDS + 1 + PATIENCE


@pytest.mark.parametrize("sql", [case.sql for case in cases("reject", "bounded")][::4])
def test_without_the_validator_there_is_still_nothing_foreign(nursery: Nursery, sql: str) -> None:
    """The box has only what it was given: no file, no host variable, no other table. All of them
    over HTTP: tests/console/asking/test_query_corpus.py."""
    secret = "a host's variable"  # noqa: F841 (a replacement scan would find it)
    host = os.environ.get("PATH", "")
    try:
        answer, _ = ask(nursery, sql, BRIEF)
    except Stopped:
        return
    seen = str(answer.to_pylist())
    assert "root:" not in seen
    assert host not in seen
    assert str(os.getpid()) not in seen


def test_the_engine_says_why_without_naming_anything_of_ours(nursery: Nursery) -> None:
    with pytest.raises(Stopped, match="Conversion Error") as stopped:
        ask(nursery, "SELECT 'x'::INTEGER")
    assert stopped.value.result == "error.sql"


def test_a_child_has_no_environment_and_no_file(nursery: Nursery) -> None:
    with Run(nursery, "SELECT count(*) FROM range(1000000000000)", {}, LIMITS) as run:
        child = psutil.Process(run._child.pid)
        assert child.environ() == {}
        run._ask()
        deadline = time.monotonic() + PATIENCE
        while child.rlimit(psutil.RLIMIT_FSIZE)[0] != 0 and time.monotonic() < deadline:
            time.sleep(0.02)
        assert child.rlimit(psutil.RLIMIT_FSIZE) == (0, 0)
        assert child.rlimit(psutil.RLIMIT_CORE) == (0, 0)
        assert child.rlimit(psutil.RLIMIT_AS)[0] != psutil.RLIM_INFINITY
    child.wait(PATIENCE)


def test_who_leaves_ends_the_child(nursery: Nursery) -> None:
    with Run(nursery, "SELECT count(*) FROM range(1000000000000)", {}, LIMITS) as run:
        child = psutil.Process(run._child.pid)
        run.cancel()
        with pytest.raises(Stopped):
            list(run.pieces())
    child.wait(PATIENCE)


def test_a_nursery_that_was_killed_is_started_anew(nursery: Nursery) -> None:
    ask(nursery, "SELECT 1")
    assert nursery._process is not None
    os.kill(nursery._process.pid, signal.SIGKILL)
    nursery._process.wait(PATIENCE)
    answer, _ = ask(nursery, "SELECT 1 AS one")
    assert answer.to_pylist() == [{"one": 1}]


def test_a_child_of_one_question_is_not_there_for_the_next(nursery: Nursery) -> None:
    ask(nursery, "CREATE TABLE kept AS SELECT 1")
    with pytest.raises(Stopped, match="does not exist"):
        ask(nursery, "SELECT * FROM kept")
