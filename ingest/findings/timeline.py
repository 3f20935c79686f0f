"""What happened around something said: the order of calls, results and words of one agent."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from ingest.transcript.model import Call, Digest, Moment

# Nobody says these, and they may stand anywhere between.
_ASIDE = frozenset({"machine", "thinking", "task"})


@dataclass(frozen=True, slots=True)
class Step:
    """Something said, or a call: once where it was made, once where it was answered."""

    turn: int
    what: Call | Moment


def around(
    digest: Digest, agents: Collection[str | None]
) -> Iterator[tuple[Step | None, Moment, Step | None]]:
    """Each moment of these agents that somebody said, with what came before and after it; one
    agent after the other.
    """
    steps: dict[str | None, list[Step]] = {agent: [] for agent in agents}
    for said in digest.moments:
        if said.agent in steps and said.said not in _ASIDE:
            steps[said.agent].append(Step(said.turn, said))
    for call in (*digest.calls, *digest.orphans):
        if call.agent in steps:
            answered = [Step(call.result.turn, call)] if call.result else []
            steps[call.agent] += [Step(call.turn, call), *answered]
    for one in steps.values():
        one.sort(key=lambda step: step.turn)
        for place, step in enumerate(one):
            if isinstance(step.what, Moment):
                before = one[place - 1] if place else None
                yield before, step.what, one[place + 1] if place + 1 < len(one) else None
