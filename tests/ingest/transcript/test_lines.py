"""Lines of any bytes: what is bad costs one line, and never the next."""

from __future__ import annotations

import io
from typing import Any

import orjson
import pytest

from ingest.transcript import lines, read
from tests.ingest.transcript.written import digest, file, user
from tests.upload_corpus import payloads

GOOD = user("hello", "u1")
BAD_LINES = [
    '{"type":"user"',
    "not json",
    "[]",
    "null",
    "42",
    '"str"',
    "{}",
    '{"type":null}',
    "{'a':1}",
    '{"a":1}{"b":2}',
    '{"a":1,}',
    "\0\0",
]
NUMBERS = [
    *('{"cost":1e999}', '{"cost":NaN}', '{"cost":-Infinity}', '{"tokens":' + "9" * 400 + "}"),
    *('{"tokens":-1}', '{"tokens":1.5}', '{"tokens":"12"}', '{"tokens":true}'),
    '{"tokens":9223372036854775808}',
]
SHAPES = [
    {"gen": "nested_list", "depth": 100_000},
    {"gen": "wide_obj", "keys": 1_000_000},
    '{"timestamp":"2026-02-30T25:61:00Z"}',
    '{"uuid":{"a":1},"sessionId":["x"],"message":"str"}',
]


def found(data: bytes) -> list[lines.Row]:
    return list(lines.rows(io.BytesIO(data)))


def made(payload: Any) -> bytes:
    """The bytes of a case: some are described, as they are long or no text."""
    if isinstance(payload, str):
        return payload.encode("utf-8", "surrogatepass")
    if "hex" in payload:
        return bytes.fromhex(str(payload["hex"]))
    if payload["gen"] == "nested_list":
        return b"[" * int(payload["depth"]) + b"]" * int(payload["depth"])
    if payload["gen"] == "wide_obj":
        return b"{" + b",".join([b'"k%d":1' % key for key in range(payload["keys"])]) + b"}"
    if payload["gen"] == "crlf_and_cr_lines":
        return b'{"type":"mode"}\r\n{"type":"mode"}\r{"type":"mode"}'
    return b'{"type":"user","sessionId":"of another"}'


@pytest.mark.parametrize("payload", payloads("jsonl_line", shapes=[*BAD_LINES, ""]))
def test_a_bad_line_is_one_problem_and_the_good_ones_are_kept(payload: Any) -> None:
    line = made(payload)
    read_anyway = digest(GOOD, line, {**GOOD, "uuid": "u2"})
    assert [one.text for one in read_anyway.moments] == ["hello", "hello"]
    assert [problem.line for problem in read_anyway.problems] == ([2] if line else [])


@pytest.mark.parametrize("payload", payloads("jsonl_number", shapes=NUMBERS))
def test_no_number_counts_that_is_no_count(payload: Any) -> None:
    usage = made(payload).replace(b'"cost"', b'"tokens"').replace(b'"tokens"', b'"output_tokens"')
    line = b'{"type":"assistant","uuid":"a","message":{"id":"m","usage":' + usage + b"}}"
    read_anyway = digest(GOOD, line, {**GOOD, "uuid": "u2"})
    assert [one.text for one in read_anyway.moments] == ["hello", "hello"]
    assert sum(one.output_tokens for one in read_anyway.responses) == 0


TEXTS = [
    '{"text":"\\ud800"}',
    '\ufeff{"text":"bom"}',
    {"hex": "7b2274223a22eda080227d"},
    {"gen": "crlf_and_cr_lines"},
]


@pytest.mark.parametrize("payload", payloads("jsonl_unicode", shapes=TEXTS))
def test_a_line_with_broken_text_is_kept_as_text_that_can_be_stored(payload: Any) -> None:
    rows = found(made(payload) + b"\n")
    assert rows
    for _, _, record, _ in rows:
        assert record is not None
        str(orjson.dumps(record), "utf-8")


@pytest.mark.parametrize("payload", payloads("jsonl_shape", shapes=SHAPES))
def test_a_line_of_a_wrong_shape_is_a_problem_and_the_good_ones_are_kept(payload: Any) -> None:
    read_anyway = digest(GOOD, made(payload), {**GOOD, "uuid": "u2"})
    assert [one.text for one in read_anyway.moments] == ["hello", "hello"]
    assert read_anyway.problem_count == (0 if b"of another" in made(payload) else 1)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (b'{"t":"a\xffb"}', "a\ufffdb"),
        (b'{"t":"a\\ud800b"}', "a?b"),
        (b'{"t":"a\\\\ud800b"}', "a\\ud800b"),
        (b'{"t":"\\ud83d\\ude00"}', "\U0001f600"),
        (b'{"t":"a\\u0000b"}', "a\0b"),
    ],
)
def test_what_is_no_text_is_replaced_and_the_rest_kept(text: bytes, kept: str) -> None:
    ((_, _, record, problem),) = found(text)
    assert record == {"t": kept}
    assert (problem == lines.MENDED) == (kept in ("a\ufffdb", "a?b"))


def test_lines_end_with_lf_crlf_or_cr_and_blank_ones_are_no_problem() -> None:
    data = b'\xef\xbb\xbf{"n":1}\r\n\n  \r\r\n{"n":2}\r{"n":3}\n{"n":4}'
    rows = found(data)
    assert [(number, record) for number, _, record, _ in rows] == [
        (1, {"n": 1}),
        (5, {"n": 2}),
        (6, {"n": 3}),
        (7, {"n": 4}),
    ]
    assert all(problem is None for *_, problem in rows)
    assert [data[offset:].lstrip(b"\xef\xbb\xbf")[:6] for _, offset, *_ in rows] == [
        b'{"n":%d' % number for number in (1, 2, 3, 4)
    ]


def test_only_the_last_line_without_an_end_is_said_to_be_cut_short() -> None:
    assert [problem for *_, problem in found(b'{"n":1')] == [lines.CUT_SHORT]
    assert found(b'{"n":1\n{"n":2}')[0][3] != lines.CUT_SHORT
    assert found(b'{"n":1}') == [(1, 0, {"n": 1}, None)]


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
def test_a_line_beyond_the_limit_is_left_out_and_the_next_is_read(
    end: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "LIMIT", 100)
    long = b'{"n":"' + b"x" * 3_000 + b'"}'
    data = b'{"n":1}' + end + long + b"\n" + b'{"n":2}' + end
    rows = found(data)
    assert [(number, record, problem) for number, _, record, problem in rows] == [
        (1, {"n": 1}, None),
        (2, None, lines.TOO_LONG),
        (3, {"n": 2}, None),
    ]
    assert data[rows[-1][1] :].startswith(b'{"n":2}')


def test_old_line_ends_split_what_is_longer_than_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "LIMIT", 100)
    rows = found(b'{"n":12345}\r' * 50)
    assert [(number, offset) for number, offset, *_ in rows] == [(n + 1, n * 12) for n in range(50)]
    assert all(record == {"n": 12345} for _, _, record, _ in rows)


def test_a_line_end_of_two_bytes_stays_one_at_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "LIMIT", 16)
    rows = found(b'{"n":1}\r{"n":22}\r\n{"n":3}')
    assert [(number, record) for number, _, record, _ in rows] == [
        (1, {"n": 1}),
        (2, {"n": 22}),
        (3, {"n": 3}),
    ]


def test_a_file_of_nothing_that_can_be_read_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "VAIN", 10)
    rows = found(b"\n" * 6 + b"x\n" * 6 + b'{"n":1}\n')
    assert [number for number, *_ in rows] == [7, 8, 9, 10, 11]
    assert rows[-1][3] == lines.NO_TRANSCRIPT


def test_reading_from_an_offset_gives_the_same_lines() -> None:
    data = b'{"n":1}\r\n\nbad\n{"n":2}\r{"n":3}'
    rows = found(data)
    for place, (number, offset, *_) in enumerate(rows):
        stream = io.BytesIO(data)
        stream.seek(offset)
        assert list(lines.rows(stream, offset=offset, after=number - 1)) == rows[place:]


def test_an_empty_file_is_a_session_in_which_nothing_happened() -> None:
    assert read(file()).turns == 0
    assert read(file()).problem_count == 0
