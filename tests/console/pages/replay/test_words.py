"""Words of a transcript, fit for a page."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.pages.replay.words import brief, cleaned, folded, said
from tests.upload_corpus import payloads

ANSI = payloads(
    "render_ansi",
    shapes=["\x1b[31mred\x1b[0m", "\x1b]0;title\x07", "\x1b]8;;javascript:x\x07click\x1b]8;;\x07"],
)


@pytest.mark.parametrize("text", ANSI)
def test_what_a_terminal_obeys_is_left_out(text: str) -> None:
    shown = cleaned(f"before {text} after\x00\x7f\x9b")
    assert not {one for one in shown if unicodedata.category(one) == "Cc"}
    assert shown.startswith("before ")
    assert shown.endswith(" after")


def test_colours_go_and_the_words_in_them_stay() -> None:
    assert cleaned("\x1b[1;31mred\x1b[0m\r\nplain\ttext\rend") == "red\nplain\ttext\nend"


@given(st.text(st.characters(codec=None)))
def test_cleaning_twice_changes_nothing_and_leaves_what_can_be_sent(text: str) -> None:
    once = cleaned(text)
    once.encode()
    assert cleaned(once) == once


@given(st.text("ab \n", max_size=400), st.integers(0, 20))
def test_a_fold_loses_no_word(text: str, lines: int) -> None:
    shown = folded(text, lines)
    assert (shown.first + shown.rest).split() == text.split()
    assert not shown.beyond
    assert shown.lines == len((shown.first + shown.rest).split("\n")) or not text.split()
    assert shown.first.count("\n") <= lines + 3


def test_a_fold_opens_some_lines_and_says_how_many_there_are() -> None:
    shown = folded("\n".join(map(str, range(214))), 12)
    assert shown.first.split() == [str(number) for number in range(12)]
    assert (shown.lines, shown.is_folded, shown.beyond) == (214, True, False)
    assert not folded("\n".join("a" * 12), 12).is_folded


def test_what_is_very_long_is_no_part_of_the_page() -> None:
    one_line, many = folded("x" * 1_000_000, 12), folded("x\n" * 100_000, 12)
    assert one_line.beyond
    assert many.beyond
    assert len(one_line.first) + len(many.first) < 4000
    assert (one_line.rest, many.rest) == ("", "")


def test_a_brief_is_one_line() -> None:
    assert brief("one\ntwo") == "one"
    assert brief("x" * 300, 10) == "xxxxxxxxx…"
    assert brief({"a": 1}) == "{"
    assert said(None) == "null"
