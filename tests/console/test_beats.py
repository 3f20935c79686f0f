"""Schedules: both forms, what is none, and that due means exactly the beat."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console import beats
from schema.errors import BadParameter

NOON = datetime(2026, 3, 4, 12, 0)


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("every 15m", NOON + timedelta(minutes=15)),
        ("EVERY 2 h", NOON + timedelta(hours=2)),
        ("every 30d", NOON + timedelta(days=30)),
        ("0 12 * * *", NOON + timedelta(days=1)),
        ("1 12 * * *", NOON + timedelta(minutes=1)),
        (" 30 5 * * 1 ", datetime(2026, 3, 9, 5, 30)),
    ],
)
def test_the_next_beat_is_after_the_last(text: str, after: datetime) -> None:
    beat = beats.parse(text)
    assert beat.after(NOON) == after
    assert not beat.due(NOON, after - timedelta(microseconds=1))
    assert beat.due(NOON, after)
    assert beat.due(None, NOON)


@pytest.mark.parametrize(
    "text",
    [
        *("", "hourly", "every", "every 0m", "every -1m", "every 1s", "every 367d", "every 1.5h"),
        *(
            "* * * *",
            "60 * * * *",
            "0 0 30 2 *",
            "* * * * * *",
            "@daily",
            "0 25 * * *",
            "0 0 * * 8",
            "0 0 * * 5-3",
        ),
    ],
)
def test_what_is_no_schedule_is_named(text: str) -> None:
    with pytest.raises(BadParameter, match="schedule="):
        beats.parse(text)


@pytest.mark.parametrize(
    ("field", "days"),
    [
        *(("0", "Su"), ("7", "Su"), ("1-5", "MoTuWeThFr"), ("5-7", "SuFrSa"), ("0-2", "SuMoTu")),
        *(("*/2", "SuTuThSa"), ("mon,3", "MoWe"), ("*", "SuMoTuWeThFrSa"), ("4/2", "ThSa")),
    ],
)
def test_days_of_the_week_are_those_of_cron(field: str, days: str) -> None:
    beat, at, found = beats.parse(f"0 0 * * {field}"), datetime(2026, 3, 1), set()
    while (following := beat.after(at)) is not None and following < datetime(2026, 3, 15):
        at = following
        found.add(f"{at:%a}"[:2])
    week = ("Su", "Mo", "Tu", "We", "Th", "Fr", "Sa")
    assert "".join(day for day in week if day in found) == days


@given(
    st.sampled_from(["every 7m", "every 3h", "*/10 * * * *", "5 4 * * *"]),
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)),
)
def test_beats_go_on(text: str, at: datetime) -> None:
    beat = beats.parse(text)
    following = beat.after(at)
    assert following is not None
    assert following > at
    assert not beat.due(at, at)
