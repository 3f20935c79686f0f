"""The words of a typed query: written as they are read, added and taken out without touching the
others."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.queries import typed_words
from console.queries.audit_filter import Term
from console.queries.audit_grammar import QUERY_FIELDS, ask
from console.queries.typed_words import Word
from console.queries.vocabulary import CLIENT_KINDS, RESULT_CLASSES, SOURCES

HOSTILE = ' "\\-=:aAé🎉n\n\r\t%_<>\u2028'
values = st.text(st.sampled_from(HOSTILE), max_size=6) | st.sampled_from(
    ["none", "error", "web", "a@b.c", "-", "=", "a:b", "\\", '"', "\\n", " "]
)
fields = st.sampled_from(QUERY_FIELDS)
queries = st.lists(
    st.text(st.sampled_from(HOSTILE), max_size=8)
    | st.builds(Word, values, fields, st.booleans(), st.booleans()).map(str),
    max_size=5,
).map(" ".join)


def meant(query: str) -> list[Term]:
    """The terms of a query; a typed name is found to mean itself."""
    given = {"query": query}
    terms = ask(given, now=datetime(2026, 1, 1), resolve=lambda name: (f"found {name}",))
    return list(terms.filter.terms)


@given(values.filter(bool) | values, fields, st.booleans(), st.booleans())
def test_a_word_is_read_as_it_was_written(
    value: str,
    field: str,
    excluded: bool,  # noqa: FBT001 (drawn)
    exact: bool,  # noqa: FBT001 (drawn)
) -> None:
    word = Word(value, field, excluded, exact)
    assert typed_words.read(str(word)) == [word]
    assert typed_words.words(f"a {word} b") == ["a", str(word), "b"]


@given(queries, fields, values | st.none(), st.booleans())
def test_a_word_toggled_twice_is_as_before(
    text: str,
    field: str,
    value: str | None,
    excluded: bool,  # noqa: FBT001 (drawn)
) -> None:
    once = typed_words.toggled(text, field, value, excluded=excluded)
    twice = typed_words.toggled(once, field, value, excluded=excluded)
    assert typed_words.has(once, field, value, excluded=excluded) != typed_words.has(
        text, field, value, excluded=excluded
    )
    before = {replace(word, closed=True) for word in typed_words.read(text)}
    if typed_words.has(text, field, value, excluded=not excluded):
        # Its opposite cannot stand beside it.
        before -= set(typed_words.read(typed_words.word(field, value, excluded=not excluded)))
    assert set(typed_words.read(twice)) == before


@given(queries, fields, values)
def test_the_other_words_keep_their_spelling_and_order(text: str, field: str, value: str) -> None:
    typed = typed_words.words(text)
    wanted = typed_words.word(field, value)
    kept = typed_words.words(typed_words.toggled(text, field, value))
    ours = typed_words.read(wanted) + typed_words.read(
        typed_words.word(field, value, excluded=True)
    )
    others = [word for word in typed if typed_words.read(word)[0] not in ours]
    assert [word for word in kept if typed_words.read(word)[0] not in ours] == others


@given(queries)
def test_the_words_of_a_query_mean_what_the_query_means(text: str) -> None:
    """An open quote is closed; all else stays."""
    typed = [replace(word, closed=True) for word in typed_words.read(text)]
    assert typed_words.read(" ".join(typed_words.words(text))) == typed


@pytest.mark.parametrize(
    ("field", "value", "word"),
    [
        ("action", "sync.table", "action:=sync.table"),
        ("resource", "table:a b", 'resource:="table:a b"'),
        ("resource", None, "resource:none"),
        ("resource", "none", "resource:=none"),
        ("resource", "", 'resource:=""'),
        ("resource", "a\nb", 'resource:="a\\nb"'),
        ("resource", "=", 'resource:="="'),
        ("result", "error", "result:error"),
        ("result", "error.timeout", "result:=error.timeout"),
        ("source", "web", "source:web"),
        ("source", "odd", "source:=odd"),
        ("user", "a@example.org", "user:a@example.org"),
        ("user", "01a2", "user:=01a2"),
        ("user", None, "user:none"),
        ("user", "none", "user:none"),
        ("kind", "none", "kind:none"),
    ],
)
def test_a_value_has_the_shortest_word_that_means_it_alone(
    field: str, value: str | None, word: str
) -> None:
    assert typed_words.word(field, value) == word


def test_a_word_is_known_in_every_spelling() -> None:
    assert typed_words.has('ACTION:="sync.table"', "action", "sync.table")
    assert not typed_words.has("action:sync.table", "action", "sync.table")
    assert typed_words.toggled('x Action:="a" y', "action", "a") == "x y"
    assert typed_words.toggled("x -action:=a", "action", "a") == "x action:=a"


def test_exact_values_are_none_of_the_words_that_mean_something() -> None:
    assert meant("resource:none") == [Term("resource", ("none",))]
    assert meant("resource:=none") == [Term("resource_is", ("none",))]
    assert meant('resource:=""') == [Term("resource", ("",))]
    assert meant("user:none") == [Term("user_id", ("none",))]
    assert meant("user:=ana") == [Term("user_id", ("ana",))]
    assert meant("user:ana") == [Term("user_id", ("found ana",))]
    assert meant("source:=odd") == [Term("source", ("odd",))]
    assert meant("result:error") == [Term("result_class", ("error",))]
    assert meant("result:err") == [Term("result", ("err",))]
    assert meant("result:error result:inv") == [Term("result", ("error", "inv"))]
    assert meant("resource:none -resource:=x") == [
        Term("resource", ("none",)),
        Term("resource", ("x",), excluded=True),
    ]


def test_what_is_known_of_the_closed_fields_is_written_without_a_sign() -> None:
    for field, known in (("result", RESULT_CLASSES), ("source", SOURCES), ("kind", CLIENT_KINDS)):
        for value in known:
            assert typed_words.word(field, value) == f"{field}:{value}"
