"""Many addresses that differ in one word. Fifty rows and sixty bars each have some: what they share
is made once."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from urllib.parse import quote_plus

from console.pages.activity.state import ActivityState
from console.queries import typed_words

_HERE = "\0"  # no parameter of a page holds one
_PLACE = quote_plus(_HERE)


def filled(state: ActivityState, *names: str, **changes: str | None) -> Callable[..., str]:
    """`state.url` with texts for `names`, which are in the order of the alphabet and never empty,
    and the same `changes` each time."""
    parts = state.url(**changes, **dict.fromkeys(names, _HERE)).split(_PLACE)

    def link(*texts: str) -> str:
        found = [parts[0]]
        for text, part in zip(texts, parts[1:], strict=True):
            found += (quote_plus(text), part)
        return "".join(found)

    return link


def toggling(state: ActivityState) -> Callable[[str, str], str]:
    """`state.toggled` without its `excluded`."""
    text = state.given.get("query", "")
    with_words, without = filled(state, "query"), state.url(query=None)

    @cache
    def toggled(field: str, value: str) -> str:
        words = typed_words.toggled(text, field, value)
        return with_words(words) if words else without

    return toggled
