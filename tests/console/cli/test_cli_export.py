"""`agnes admin activity export`: a file is whole or not there; what arrives is counted."""

from __future__ import annotations

import csv
import io
import stat
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.cli.export import Counter, to_file
from tests.console.cli.stand_in import Run, Server, Terminal

EXPORT = "/api/admin/activity/export"
CSV = b'id,note\r\n1,"a\r\nb ""quoted"""\r\n2,c\r\n'
NDJSON = b'{"id":1}\n{"id":2}\n'
PARQUET = b"PAR1" + bytes(100) + b"PAR1"


def stream(*pieces: bytes | Exception, rows: object = None) -> httpx.Response:
    def body() -> Iterator[bytes]:
        for piece in pieces:
            if isinstance(piece, Exception):
                raise piece
            yield piece

    headers = {} if rows is None else {"X-Row-Count": str(rows)}
    return httpx.Response(200, headers=headers, content=body())


@pytest.mark.parametrize(
    ("format", "content"), [("csv", CSV), ("json", NDJSON), ("parquet", PARQUET)]
)
def test_a_file_is_written_as_it_came(
    run: Run, server: Server, tmp_path: Path, format: str, content: bytes
) -> None:
    server.on("GET", EXPORT, stream(content[:5], content[5:], rows=2))
    file = tmp_path / "out"
    words = ["--format", format, "--output", str(file)]
    done = run("admin", "activity", "export", *words)
    assert done.exit_code == 0
    assert file.read_bytes() == content
    assert done.stdout.startswith("2 rows")
    assert stat.S_IMODE(file.stat().st_mode) & 0o600 == 0o600
    assert [each.name for each in tmp_path.glob("*out*")] == ["out"]


@pytest.mark.parametrize(
    ("format", "answer"),
    [
        ("csv", stream(CSV, rows=3)),
        ("json", stream(NDJSON, rows=1)),
        ("parquet", stream(PARQUET[:-1], rows=2)),
        ("json", stream(NDJSON, httpx.ReadError("line broke"), rows=2)),
        ("json", httpx.Response(403, json={"ok": False, "error": "not yours", "detail": ""})),
    ],
    ids=["fewer", "more", "cut", "broken", "refused"],
)
def test_an_incomplete_export_leaves_the_old_file(
    run: Run, server: Server, tmp_path: Path, format: str, answer: httpx.Response
) -> None:
    server.on("GET", EXPORT, answer)
    file = tmp_path / "out"
    file.write_text("old")
    done = run("admin", "activity", "export", "--format", format, "--output", str(file))
    assert done.exit_code in (1, 3, 4)
    assert done.stderr.startswith("error: ")
    assert file.read_text() == "old"
    assert [each.name for each in tmp_path.glob("*out*")] == ["out"]


def test_standard_output_gets_the_exact_bytes(run: Run, server: Server) -> None:
    hostile = b'{"x":"\xe2\x80\xae"}\n'
    server.on("GET", EXPORT, stream(hostile, rows=1))
    done = run("admin", "activity", "export", "--format", "json")
    assert done.stdout_bytes == hostile
    assert done.stderr == "1 row, 12 bytes\n"


def test_a_terminal_gets_text_that_it_does_not_obey(
    run: Run, server: Server, terminal: Terminal
) -> None:
    terminal("stdout")
    content = "id,x\r\n1,\x1b[2J\u202eä\r\n".encode()
    cut = content.index(b"\xc3") + 1  # in the middle of a letter
    server.on("GET", EXPORT, stream(content[:cut], content[cut:], rows=1))
    assert run("admin", "activity", "export").stdout == "id,x\n1,\\x1b[2J\\u202eä\n"


def test_parquet_is_not_for_a_terminal(run: Run, server: Server, terminal: Terminal) -> None:
    terminal("stdout")
    done = run("admin", "activity", "export", "--format", "parquet")
    assert done.exit_code == 2
    assert "--output FILE" in done.stderr
    assert server.requests == []


def test_a_place_that_is_none_is_named_before_anything_is_asked(
    run: Run, server: Server, tmp_path: Path
) -> None:
    for place in (tmp_path, tmp_path / "none" / "x.csv"):
        done = run("admin", "activity", "export", "--output", str(place))
        assert done.exit_code == 2
        assert str(place) in done.stderr
    assert server.requests == []


def test_a_pipe_is_written_into_and_not_replaced(tmp_path: Path) -> None:
    import os
    import threading

    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    assert to_file(pipe, [b"a", b"b"], lambda: 1) == 1
    reader.join()
    assert read == [b"ab"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


cells = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=8)


@given(st.lists(st.lists(cells, min_size=2, max_size=2)), st.integers(1, 7))
def test_rows_of_csv_are_counted_whatever_is_in_them(rows: list[list[str]], size: int) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(["a", "b"])
    writer.writerows(rows)
    content = text.getvalue().encode()
    counter = Counter("csv")
    for at in range(0, len(content), size):
        counter.feed(content[at : at + size])
    assert counter.rows() == len(rows)


@pytest.mark.parametrize(
    ("format", "content", "rows"),
    [("csv", b"", 0), ("csv", b"a,b", 0), ("csv", b"a,b\n1,2", 1), ("json", b"{}", 1)],
)
def test_a_missing_last_line_break_is_a_row_all_the_same(
    format: str, content: bytes, rows: int
) -> None:
    counter = Counter(format)
    counter.feed(content)
    assert counter.rows() == rows
