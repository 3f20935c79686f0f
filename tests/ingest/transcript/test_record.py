"""Fields of a record: whatever JSON stands in them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from ingest.transcript.record import BLOCKS, blocks, count, instant, name, record
from tests.ingest.transcript.written import digest, user

NOON = 1_772_366_400_000_000  # 2026-03-01T12:00:00Z


@pytest.mark.parametrize(
    "value",
    [
        "2026-03-01T12:00:00Z",
        "2026-03-01T12:00:00.000Z",
        "2026-03-01T12:00:00",
        "2026-03-01 13:00:00+01:00",
        "2026-03-01T06:30:00-05:30",
        1_772_366_400,
        1_772_366_400_000,
    ],
)
def test_a_time_is_read_in_any_zone_and_as_seconds_or_milliseconds(value: Any) -> None:
    assert instant(value) == NOON


def test_a_time_keeps_its_microseconds() -> None:
    at = datetime(2026, 3, 1, 12, 0, 0, 123_456, tzinfo=UTC)
    assert instant(at.isoformat()) == NOON + 123_456


@pytest.mark.parametrize(
    "value",
    [
        *(
            "2026-02-30T25:61:00Z",
            "yesterday",
            "",
            "1969-12-31T23:59:59Z",
            "0001-01-01T00:00:00+09:00",
        ),
        *(True, False, 1.5, -1, 10**18, [], {}, [[]]),
    ],
)
def test_what_is_no_time_is_none_and_a_problem(value: Any) -> None:
    assert instant(value) is None
    read = digest(user("hello", timestamp=value))
    assert read.moments[0].at is None
    assert list(read.times) == []
    assert ["timestamp" in problem.what for problem in read.problems] == [True]


def test_no_time_at_all_is_no_problem() -> None:
    assert digest({"type": "mode"}, {"type": "user", "message": "hi"}).problem_count == 0


@pytest.mark.parametrize("value", [True, -1, 1.5, "12", None, 2**53 + 1, 2**63, [], {}])
def test_what_is_no_count_counts_as_nothing(value: Any) -> None:
    assert count(value) == 0


def test_a_count_is_kept_up_to_what_json_is_exact_for() -> None:
    assert [count(value) for value in (0, 7, 2**53)] == [0, 7, 2**53]


@pytest.mark.parametrize("value", [None, "", 5, True, [], {}])
def test_what_is_no_text_names_nothing(value: Any) -> None:
    assert name(value) is None


def test_a_name_is_cut() -> None:
    assert name("x" * 10_000) == "x" * 200


@pytest.mark.parametrize("message", ["words", {"content": "words"}, {"content": ["words"]}])
def test_words_are_found_in_each_form_of_a_message(message: Any) -> None:
    assert blocks(record({"type": "user", "message": message}).content) == [
        {"type": "text", "text": "words"}
    ]


def test_a_uuid_that_is_no_text_is_a_problem_and_the_record_is_kept() -> None:
    read = digest(user("hello", uuid={"a": 1}))  # type: ignore[arg-type]
    assert [problem.what for problem in read.problems] == ["its uuid is no text: an object"]
    assert [one.uuid for one in read.moments] == [None]


def test_blocks_beyond_all_measure_are_left_out_and_a_problem() -> None:
    read = digest(user([{"type": "image"}] * (BLOCKS + 5)))
    assert read.turns == BLOCKS
    assert [problem.line for problem in read.problems] == [1]
