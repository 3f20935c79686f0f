"""Where words stand in this session."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from console.pages.replay.reading import Reading
from console.sessions import Row
from console.transcript import text_search, transcripts
from console.transcript.transcripts import Transcript

_READ = 1000  # events that are read where the words are not indexed yet


@dataclass(frozen=True)
class Find:
    """`turns` of the events in which all of the words stand. `more`: there are others after them;
    `read`: only the first that many events were looked at, because there is no index yet."""

    words: str
    turns: Sequence[int] = ()
    more: bool = False
    read: int | None = None


def read(reading: Reading) -> Find:
    words, transcript = reading.state.find.strip(), reading.transcript
    if not words or transcript is None:
        return Find(words)
    found = text_search.in_session(reading.reader, reading.session_file, words)
    if found["indexed"]:
        return Find(words, found["turns"], found["truncated"])
    return by_reading(transcript, words)


def by_reading(transcript: Transcript, words: str) -> Find:
    """Without an index of words: the events at the beginning that hold them."""
    wanted, turns = words.casefold().split(), []
    first: int | None = 0
    while first is not None and first < _READ:
        page = transcripts.events(transcript, first, 500)
        turns += [one["turn"] for one in page["events"] if _holds(one, wanted)]
        first = page["next"]
    return Find(words, turns, more=first is not None, read=_READ if first is not None else None)


def _holds(event: Row, words: Sequence[str]) -> bool:
    text = str(event.get("text") or "").casefold()
    return all(word in text for word in words)
