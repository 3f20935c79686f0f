"""The strip of a replay: what each of its marks shows and says."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from console.pages.replay.strip import cells, places

Row = dict[str, Any]
SEVERITIES = ("info", "warning", "error")


def part(first: int, prompts: int = 0, tools: int = 0, errors: int = 0) -> Row:
    return {"first": first, "prompts": prompts, "tools": tools, "errors": errors}


def finding(turn: int | None, severity: str = "warning", kind: str = "tool_error") -> Row:
    return {"turn": turn, "severity": severity, "finding_type": kind}


def test_what_matters_most_is_what_a_mark_looks_like() -> None:
    parts = [part(0, prompts=1), part(5, prompts=1, errors=1), part(10, errors=2), part(15)]
    found = [finding(10, "warning"), finding(12, "error", "loop"), finding(16, "info")]
    shown = cells(parts, found, 20)
    assert [one.look for one in shown] == ["prompt", "failed", "error", "info"]
    assert [(one.first, one.last) for one in shown] == [(0, 4), (5, 9), (10, 14), (15, 19)]
    assert shown[2].says == "Turns 10 to 14: 2 errors, tool error, loop"
    assert shown[0].says == "Turns 0 to 4: 1 prompt"


def test_a_mark_of_one_turn_and_one_of_many_findings_say_so() -> None:
    shown = cells([part(0), part(1)], [finding(1) for _ in range(5)], 2)
    assert shown[0].says == "Turn 0"
    assert shown[1].says == "Turn 1: tool error, tool error, tool error, 2 more findings"


def test_where_the_history_was_summarised_is_marked() -> None:
    shown = cells([part(0), part(5), part(10)], [], 15, [5, 6])
    assert [one.is_compacted for one in shown] == [False, True, False]
    assert shown[1].says == "Turns 5 to 9: history summarised"


def test_a_finding_without_a_turn_stands_nowhere() -> None:
    found = [finding(None), finding(99), finding(-1), finding(3), finding(3)]
    assert [one.look for one in cells([part(0)], found, 10)] == ["warning"]
    assert [one.look for one in cells([part(0)], found[:3], 10)] == [""]
    assert cells([], found, 0) == []
    assert places(found) == [-1, 3, 99]


@given(
    st.integers(1, 400).flatmap(
        lambda total: st.tuples(
            st.just(total),
            st.lists(st.tuples(st.integers(0, total - 1), st.sampled_from(SEVERITIES))),
        )
    )
)
def test_every_finding_is_in_the_mark_of_its_turn(drawn: tuple[int, list[tuple[int, str]]]) -> None:
    total, found = drawn
    count = min(120, total)
    parts = [part(-(-number * total // count)) for number in range(count)]
    shown = cells(parts, [finding(turn, severity) for turn, severity in found], total)
    covered = [turn for one in shown for turn in range(one.first, one.last + 1)]
    assert covered == list(range(total))
    for one in shown:
        inside = [severity for turn, severity in found if one.first <= turn <= one.last]
        worst = max(inside, key=SEVERITIES.index, default="")
        assert one.look == worst
