"""Figures for narrow places: what is left out never turns one into another."""

from __future__ import annotations

import pytest

from console.figures import lasted, rounded


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (0, "0"),
        (999, "999"),
        (1000, "1.0 k"),
        (99_949, "99.9 k"),
        (99_950, "100 k"),
        (999_499, "999 k"),
        (999_500, "1.0 M"),
        (1_234_567, "1.2 M"),
        (7_500_000_000, "7.5 G"),
        (2_000_000_000_000, "2000 G"),
    ],
)
def test_large_numbers_are_rounded_to_what_fits(value: float | None, text: str) -> None:
    assert rounded(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "–"),
        (0.0, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (3569, "59 min"),
        (3571, "1 h 00 min"),
        (7500, "2 h 05 min"),
        (48 * 3600 - 31, "47 h 59 min"),
        (48 * 3600, "2 d 0 h"),
        (100 * 3600, "4 d 4 h"),
    ],
)
def test_lengths_of_time_are_said_in_two_units_at_most(seconds: float | None, text: str) -> None:
    assert lasted(seconds) == text
