from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.identity import typed
from schema.errors import BadParameter


@pytest.mark.parametrize(
    "text",
    ["ana@example.org", " Ana.Nová+x@Sub.Example.org\n", "admin@localhost", "o'neil@example.org"],
)
def test_an_e_mail_is_kept_as_typed_but_trimmed(text: str) -> None:
    assert typed.email(text) == text.strip()


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "ana", "@example.org", "ana@", "a@b@c", "ana @example.org", "ana@exa mple.org"),
        *("ana@.org", "ana@example..org", "ana@example.org.", "<ana@example.org>", "a,b@c.org"),
        *("ana\0@example.org", "ana\n@example.org", "an\u200ba@example.org", "ana@example.org/x"),
        *("a" * 65 + "@example.org", "ana@" + "x" * 260),
    ],
)
def test_what_does_not_look_like_an_e_mail_is_refused(text: str) -> None:
    with pytest.raises(BadParameter, match="email="):
        typed.email(text)


def test_case_and_composition_make_no_other_e_mail() -> None:
    assert typed.same(" ANA@Example.org ") == typed.same("ana@example.ORG")
    assert typed.same("nova\u0301@example.org") == typed.same("NOVÁ@example.org")
    assert typed.same("ana@example.org") != typed.same("ana@example.com")


@given(st.text(max_size=3000))
def test_comparing_takes_any_text_and_stays_short(text: str) -> None:
    assert len(typed.same(text)) <= typed.EMAIL_LIMIT
    assert typed.same(text) == typed.same(text)


@given(st.text(max_size=60))
def test_a_label_is_one_visible_line_or_is_refused(text: str) -> None:
    try:
        kept = typed.label("name", text, 50)
    except BadParameter:
        return
    assert kept == kept.strip()
    assert 1 <= len(kept) <= 50
    assert len(kept.splitlines()) == 1
    assert any(sign.isprintable() for sign in kept)


@pytest.mark.parametrize("text", ["", "  ", "a\nb", "a\0b", "a\u202eb", "\u200b", "x" * 51])
def test_a_label_that_would_mislead_is_refused(text: str) -> None:
    with pytest.raises(BadParameter, match="name="):
        typed.label("name", text, 50)


def test_a_label_may_be_emptied_where_it_may_be_missing() -> None:
    assert typed.label_or_none("name", None, 50) is None
    assert typed.label_or_none("name", " ", 50) is None
    assert typed.label_or_none("name", " x ", 50) == "x"
