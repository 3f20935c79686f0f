"""A changed value as lines."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.pages.activity.lines import Line, compared, folded

texts = st.lists(st.sampled_from(["a", "b", "c", ""]), max_size=12)


def signs(before: Any, after: Any) -> str:
    return "".join(line.sign for line in compared(before, after))


@pytest.mark.parametrize(
    ("before", "after", "lines"),
    [
        (None, "new", ["+new"]),
        ("old", None, ["-old"]),
        ("", None, ['-""']),
        (False, True, ["-false", "+true"]),
        (1, "1", ["-1", '+"1"']),
        ("a", "a\n", ['-"a"', '+"a\\n"']),
        ({"a": 1, "b": [2]}, {"a": 1, "b": [3]}, [" a: 1", "-b: [2]", "+b: [3]"]),
        ([{"user_id": "u"}], [], ["-user_id: u", "+[]"]),
        (["a", "b"], ["b", "c"], ["-a", " b", "+c"]),
    ],
)
def test_values_of_every_kind_become_lines(before: Any, after: Any, lines: list[str]) -> None:
    assert [line.sign + line.text for line in compared(before, after)] == lines


def test_only_what_differs_is_shown_with_a_little_around_it() -> None:
    before = [f"line {number}" for number in range(30)]
    after = [*before[:10], "new", *before[11:]]
    assert compared("\n".join(before), "\n".join(after)) == [
        Line("…", "8 equal lines"),
        Line(" ", "line 8"),
        Line(" ", "line 9"),
        Line("-", "line 10"),
        Line("+", "new"),
        Line(" ", "line 11"),
        Line(" ", "line 12"),
        Line("…", "17 equal lines"),
    ]
    assert signs("\n".join(["x", *before, "y"]), "\n".join(["z", *before, "w"])) == "-+  …  -+"


@given(before=texts, after=texts)
def test_the_signs_lead_from_one_value_to_the_other(before: list[str], after: list[str]) -> None:
    lines = compared(before, after)
    gone = [line.text for line in lines if line.sign == "-"]
    come = [line.text for line in lines if line.sign == "+"]
    assert not set(gone) - set(before or ["[]"])
    assert not set(come) - set(after or ["[]"])
    assert (gone == come == []) == (before == after)
    assert len(gone) - len(come) == len(before or ["[]"]) - len(after or ["[]"])


def test_many_lines_are_folded_and_the_rest_is_counted() -> None:
    assert len(folded(None, "a\n" * 7).rest) == 0, "a single line was folded"
    some = folded(None, "a\n" * 20)
    assert (len(some.first), len(some.rest), some.beyond) == (6, 14, 0)
    many = folded(None, "a\n" * 1000)
    assert len(many.first) + len(many.rest) + many.beyond == 1000
    assert many.beyond > 0


def test_only_short_lines_stand_beside_each_other() -> None:
    assert folded("old", "new").pair
    assert not folded("old", "n" * 100).pair
    assert not folded(None, "new").pair


def test_a_long_line_is_shown_where_it_differs() -> None:
    gone, come = compared("x" * 5000 + "old", "x" * 5000 + "new")
    assert (gone.sign, come.sign) == ("-", "+")
    assert gone.text.endswith("old")
    assert come.text.endswith("new")
    assert len(come.text) < 100


def test_long_texts_are_cut_and_not_matched_line_by_line() -> None:
    assert len(compared(None, "x" * 10_000)[0].text) == 400
    assert signs("a\nb\n" * 50, "b\na\n" * 50) == "+  …  -"
    assert signs("a\nb\n" * 150, "b\na\n" * 150) == "-" * 300 + "+" * 300
