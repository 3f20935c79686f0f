"""The cards: each a figure with its denominator, and a quick filter."""

from __future__ import annotations

from typing import Any

from console import activity
from console.pages.activity.reading import Reading
from console.pages.activity.state import ActivityState
from console.pages.chosen import Quick
from console.queries import typed_words
from console.queries.typed_words import Word

# Card -> the words that its click types, and a second one takes out.
_WORDS = {
    "events": (
        Word("scheduler", "source", excluded=True),
        Word("system", "source", excluded=True),
    ),
    "people": (
        Word("web", "source"),
        Word("cli", "source"),
        Word("agent", "source"),
        Word("none", "user", excluded=True),
    ),
    "errors": (Word("error", "result"),),
}
_SLOWEST = "duration_ms:desc"


def read(reading: Reading) -> dict[str, Any]:
    """The KPIs of the filter, `people`: how many have an account, and `quick`: the filters."""
    people = reading.reader.instance.people.active()
    state = reading.state
    quick = {card: _quick(state, words) for card, words in _WORDS.items()}
    if state.given.get("result_class") == "error":
        quick["errors"] = Quick(on=True, url=state.url(result_class=None))
    slowest = state.sort == _SLOWEST
    quick["p95"] = Quick(on=slowest, url=state.url(sort=None if slowest else _SLOWEST))
    return {**activity.kpis(reading.reader, reading.filter), "people": people, "quick": quick}


def _quick(state: ActivityState, words: tuple[Word, ...]) -> Quick:
    text = state.given.get("query", "")
    typed = typed_words.read(text)
    on = all(word in typed for word in words)
    for word in words:
        if on or word not in typed:
            text = typed_words.with_word(text, word)
    return Quick(on=on, url=state.url(query=text))
