"""Which kinds of events are shown, and the steps from finding to finding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from console.pages.replay.reading import Reading
from console.pages.replay.strip import places
from console.transcript.transcripts import KINDS

_SAYS: Mapping[str, str] = {
    "prompts": "what people said",
    "answers": "what the agent said",
    "thinking": "what it thought",
    "tools": "calls and results",
    "errors": "what failed",
    "meta": "the machinery",
}


@dataclass(frozen=True)
class Kind:
    name: str
    says: str
    chosen: bool
    to: str


@dataclass(frozen=True)
class Tools:
    """`stops`: the turns of findings, each once."""

    kinds: Sequence[Kind]
    every: str
    stops: Sequence[int]


def read(reading: Reading) -> Tools:
    state = reading.state
    chosen = state.kinds or frozenset()
    return Tools(
        kinds=[Kind(one, _SAYS[one], one in chosen, state.with_kind(one)) for one in KINDS],
        every=state.url(kinds=None),
        stops=places(reading.found["findings"]),
    )
