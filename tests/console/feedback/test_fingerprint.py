"""What makes two reports the same, and what does not."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.feedback.fingerprint import fingerprint, last_error, normalised
from tests.console.feedback.reports_place import failed, lines


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The sync tool hangs", "the  SYNC tool\nhangs "),
        ("hangs after 12s", "hangs after 340ms"),
        ("fails on 2026-11-23 at 10:02:03", "fails on 2025-01-01 at 23:59:59"),
        ("cannot read /home/ana/x.py", "cannot read /srv/data/y/z.json"),
        ("cannot read ~/a/b", "cannot read C:\\Users\\bo\\c.txt"),
        ("cannot read src/a/b.py", "cannot read lib/long/way/c.py"),
        ("lost 018f0000-0000-7000-8000-000000000001", "lost 01a20a7f-3423-73f2-be51-835287dfaf18"),
        ("lost toolu_01AbCdEf", "lost req_99zzYYxx"),
        ("commit 3f2b8c9d0a is gone", "commit 0a1b2c3d4e5f is gone"),
        ("key [REDACTED:token] is refused", "key [REDACTED:sk-key] is refused"),
        ("since v0.3.1", "since 0.4"),
        ("caf\u00e9", "cafe\u0301"),
    ],
)
def test_what_differs_each_time_is_no_difference(one: str, other: str) -> None:
    assert normalised(one) == normalised(other)
    assert fingerprint(one) == fingerprint(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("the sync tool hangs", "the sync tool crashes"),
        ("/login fails", "/resume fails"),
        ("read and/or write", "read and/or copy"),
        ("hangs", "hangs twice"),
    ],
)
def test_what_says_something_else_is_something_else(one: str, other: str) -> None:
    assert fingerprint(one) != fingerprint(other)


def test_the_last_error_counts() -> None:
    first = failed("Read", "File does not exist: /a/b/c", "u1")
    last = failed("Bash", "Exit code 127\nzsh: command not found: agnes", "u2")
    error = last_error(lines(*first, *last).encode())
    assert error is not None
    assert (error.tool, error.line, error.uuid) == ("Bash", "zsh: command not found: agnes", "u2")
    assert error.text == "Bash: zsh: command not found: agnes"
    only = last_error(lines(*first).encode())
    again = last_error(lines(*failed("Read", "File does not exist: /x/y", "u3")).encode())
    assert only
    assert again
    assert only.signature == again.signature != error.signature
    assert fingerprint("x", only.signature) != fingerprint("x", error.signature) != fingerprint("x")


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("<tool_use_error>No such tool</tool_use_error>", "No such tool"),
        ([{"type": "text", "text": "\n\n  first  \nsecond"}], "first"),
        ("Exit code 1", "Exit code 1"),
        ([{"type": "image"}], ""),
        (None, ""),
        ("x" * 9000, "x" * 500),
    ],
)
def test_the_line_of_an_error_is_the_first_that_says_something(content: str, line: str) -> None:
    error = last_error(lines(*failed("Bash", content, "u1")).encode())
    assert error is not None
    assert error.line == line


@pytest.mark.parametrize(
    "excerpt",
    [
        b"",
        b"no json\n{}\n[]\n1\n",
        b'{"message": 1}\n{"message": {"content": [1, null]}}',
        b'{"message": {"content": [{"type": "tool_result", "is_error": "yes"}]}}',
        b"\xff\xfe\n",
        b"[" * 5000,
    ],
)
def test_lines_that_hold_no_error_have_none(excerpt: bytes) -> None:
    assert last_error(excerpt) is None


@given(st.binary(max_size=300), st.text(max_size=300))
def test_nothing_that_is_sent_breaks_it(excerpt: bytes, message: str) -> None:
    last_error(excerpt)
    mark = fingerprint(message)
    assert len(mark) == 64
    assert fingerprint(f"  {message}\n") == mark


@pytest.mark.parametrize("bad", ["/", "a.", "a/", "1.", "[redacted:", "\\", "~/", "-", "0x"])
def test_long_texts_are_read_once(bad: str) -> None:
    """Work that grew with the square of the length would take hours here."""
    assert len(normalised(bad * 200_000)) <= len(bad) * 200_000 + 10


def test_the_terminal_needs_nothing_heavy_for_it() -> None:
    code = (
        "import sys, console.feedback.fingerprint\n"
        "print({'ibis', 'duckdb', 'pyarrow', 'tornado', 'console.audit'} & sys.modules.keys())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "set()"
