"""Words beside events."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from console.pages.replay.shape import outcome, pause, sentence, shape, size


def finding(kind: str, severity: str, *, count: int = 1, excerpt: str | None = None) -> Any:
    return {"finding_type": kind, "severity": severity, "count": count, "excerpt": excerpt}


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (finding("tool_error", "error", excerpt="Exit code 1"), "never recovered"),
        (finding("tool_error", "warning", count=3), "a later call went well · 3 times"),
        (finding("user_rejection", "info"), "the user did not want it"),
        (finding("loop", "error", count=4, excerpt="4 in a row"), "4 in a row"),
        (finding("abrupt_end", "warning", excerpt="stands above"), ""),
        (finding("abrupt_end", "warning", excerpt="No answer\nat all"), "No answer"),
    ],
)
def test_a_finding_says_what_does_not_stand_there_already(found: Any, says: str) -> None:
    assert sentence(found, ["it stands above it"]) == says


@pytest.mark.parametrize(
    ("length", "says"),
    [
        (timedelta(minutes=10), "10 min"),
        (timedelta(hours=2, minutes=14), "2 h 14 min"),
        (timedelta(hours=30), "30 h"),
        (timedelta(days=3, hours=5), "3 days"),
    ],
)
def test_a_pause_is_told_in_fitting_units(length: timedelta, says: str) -> None:
    assert pause(length) == says


def test_sizes_are_told_in_fitting_units() -> None:
    assert [size(count) for count in (640, 12_300, 3_400_000)] == ["640 B", "12 kB", "3.4 MB"]


def test_each_kind_has_its_shape_and_each_outcome_its_word() -> None:
    said = {"human": "prompt", "queued": "prompt", "slash": "command", "answer": "answer"}
    for subtype, found in said.items():
        assert shape({"kind": "text", "subtype": subtype}) == found
    assert shape({"kind": "tool_use", "subtype": ""}) == "call"
    assert outcome({"outcome": "policy_denied"}) == ("denied", "denied")
    assert outcome({"outcome": None}) == ("other", "no outcome")
