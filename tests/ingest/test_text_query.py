from __future__ import annotations

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.text_query import match_of


@pytest.mark.parametrize(
    ("q", "match"),
    [
        ("azure", '"azure"*'),
        ("azure ", '"azure"'),
        ("the azure bird", '"the" "azure" "bird"*'),
        ('"azure bird"', '"azure bird"'),
        ('"azure bird', '"azure bird"'),
        ('say "azure bird" now', '"say" "azure bird" "now"*'),
        ("a", '"a"'),
        ("x AND NOT y OR", '"x" "AND" "NOT" "y" "OR"*'),
        ("NEAR(a b)", '"NEAR(a" "b)"'),
        ("text:hit*", '"text:hit*"'),
        ("-- \U0001f600 *", None),
        ('"" "', None),
        ("", None),
        ("a\0b cd", '"a" "b" "cd"*'),
    ],
)
def test_words_become_a_query(q: str, match: str | None) -> None:
    assert match_of(q) == match


@pytest.fixture(scope="module")
def index() -> sqlite3.Connection:
    con = sqlite3.connect(":memory:")
    con.execute("CREATE VIRTUAL TABLE t USING fts5(text, turn UNINDEXED)")
    con.execute("INSERT INTO t VALUES ('some words', 1)")
    return con


_GRAMMAR = st.sampled_from(
    [*'"*-+^:(){},.\\\0', "AND", "OR", "NOT", "NEAR", "text", " ", "é", "words"]
)


@given(q=st.one_of(st.text(), st.lists(_GRAMMAR).map("".join), st.text(st.characters())))
def test_nothing_that_is_typed_is_a_mistake(index: sqlite3.Connection, q: str) -> None:
    match = match_of(q)
    if match is not None:
        index.execute("SELECT rowid FROM t WHERE t MATCH ?", (match,)).fetchall()


def test_much_is_cut() -> None:
    match = match_of("word " * 10_000)
    assert match is not None
    assert len(match.split()) == 32
