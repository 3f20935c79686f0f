"""The query box, the chips of what else is filtered, and what to do where nothing is found."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl

from console.pages.activity.reading import Reading
from console.pages.chosen import Chip, chips
from console.queries import typed_words
from console.queries.audit_grammar import WINDOW
from console.queries.vocabulary import SELF_READS
from console.queries.window import MAX_MINUTES

# What has a place of its own beside the chips.
_PLACED = (*WINDOW, "query", "include_self_reads")
_NAMES = {
    "user_id": "person",
    "action_prefix": "action",
    "action_in": "action is",
    "resource": "resource is",
    "resource_prefix": "resource",
    "result_pattern": "result like",
    "result_class": "result",
    "client_kind": "kind",
    "correlation_id": "correlation",
    "q": "text",
}
_WIDER = (1440, 10_080, MAX_MINUTES)


@dataclass(frozen=True)
class Empty:
    """Where nothing is found: the window in `minutes` where it ends now, the typed words, and the
    queries of what can be done: `wider` (minutes and query), `shorter` (the word that goes and
    the query without it), `reads` (the reads of the pages are hidden but asked for)."""

    minutes: int | None
    words: list[str]
    wider: tuple[int, str] | None
    shorter: tuple[str, str] | None
    reads: str | None


def read(reading: Reading) -> dict[str, Any]:
    """`chips`; `hidden`: what else of the state a search keeps; `reads`: whether reads of the log
    are shown; `empty`."""
    state = reading.state
    kept = state.url(query=None, include_self_reads=None)
    return {
        "chips": _chips(reading),
        "hidden": parse_qsl(kept.removeprefix("?")),
        "reads": state.given.get("include_self_reads", "").lower() in ("true", "1"),
        "empty": _empty(reading),
    }


def _chips(reading: Reading) -> list[Chip]:
    people = reading.reader.instance.people
    return list(chips(reading.state, people, reading.caller.me, placed=_PLACED, names=_NAMES))


def _empty(reading: Reading) -> Empty | None:
    """None where the filter could not be read."""
    if reading.asked is None:
        return None
    state, filter = reading.state, reading.filter
    words = typed_words.words(state.given.get("query", ""))
    minutes = None
    if filter.since is not None and filter.until == reading.at:
        span = filter.until - filter.since
        minutes = None if span % timedelta(minutes=1) else span // timedelta(minutes=1)
    return Empty(
        minutes=minutes,
        words=words,
        wider=_wider(reading, words, minutes),
        shorter=_shorter(reading, words),
        reads=_reads(reading),
    )


def _wider(reading: Reading, words: list[str], minutes: int | None) -> tuple[int, str] | None:
    """The next longer window that ends now, typed bounds taken out."""
    for wanted in _WIDER:
        if minutes is None or wanted > minutes:
            wanted = MAX_MINUTES if minutes is None else wanted
            kept = " ".join(word for word in words if not _is_bound(word))
            url = reading.state.url(since_minutes=str(wanted), since=None, until=None, query=kept)
            return wanted, url
    return None


def _is_bound(word: str) -> bool:
    return any(read.field in ("since", "until") for read in typed_words.read(word))


def _shorter(reading: Reading, words: list[str]) -> tuple[str, str] | None:
    """What was asked for last, without its window: a typed word, else a chip."""
    last = next((word for word in reversed(words) if not _is_bound(word)), None)
    if last is not None:
        at = len(words) - 1 - words[::-1].index(last)
        return last, reading.state.url(query=" ".join(words[:at] + words[at + 1 :]))
    found = _chips(reading)
    return (f"{found[-1].name}: {found[-1].text}", found[-1].url) if found else None


def _reads(reading: Reading) -> str | None:
    asked = " ".join(reading.state.given.values())
    if reading.filter.include_self_reads or not any(read in asked for read in SELF_READS):
        return None
    return reading.state.url(include_self_reads="true")
